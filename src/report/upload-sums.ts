import type { Finding, FindingCode } from "../mark/finding.js";
import type { Marked } from "../mark/marked.js";
import { isRepositoryName } from "../registry/reference.js";

/** Abandoned uploads that a sweep with --purge-uploads takes. */
export interface AbandonedUploads {
  uploads: number;
  /** Those of S3's multipart uploads as far as they could be told. */
  bytes: number;
}

const ABANDONED: ReadonlySet<FindingCode> = new Set(["upload-stale", "multipart-stale"]);

/** Abandoned uploads by repository. Of one that damage holds back, under a name outside the grammar, or of a scan that is incomplete, nothing is taken. */
export function sumAbandoned(
  findings: readonly Finding[],
  { complete, repositories }: Pick<Marked, "complete" | "repositories">,
): ReadonlyMap<string, AbandonedUploads> {
  const sums = new Map<string, AbandonedUploads>();
  if (!complete) return sums;
  const held = new Set(repositories.filter(({ heldBlobs }) => heldBlobs !== undefined).map(({ name }) => name));
  for (const { code, repository = "", bytes = 0 } of findings) {
    if (!ABANDONED.has(code) || held.has(repository) || (repository !== "" && !isRepositoryName(repository))) continue;
    const sum = sums.get(repository) ?? { uploads: 0, bytes: 0 };
    sums.set(repository, { uploads: sum.uploads + 1, bytes: sum.bytes + bytes });
  }
  return sums;
}

/** Those of all repositories. */
export function totalAbandoned(sums: ReadonlyMap<string, AbandonedUploads>): AbandonedUploads {
  const total = { uploads: 0, bytes: 0 };
  for (const { uploads, bytes } of sums.values()) {
    total.uploads += uploads;
    total.bytes += bytes;
  }
  return total;
}
