import type { Finding, FindingCode } from "../mark/finding.js";
import type { Marked } from "../mark/marked.js";
import { isRepositoryName } from "../registry/reference.js";
import { countOf } from "./format.js";

/**
 * Abandoned uploads that a sweep with --purge-uploads takes. Unlike the totals of uploads, which are of what lies in the storage as files or
 * objects, they have S3's multipart uploads too.
 */
export interface AbandonedUploads {
  uploads: number;
  /** Of these, S3's multipart uploads. */
  multipart: number;
  /** Those of multipart uploads as far as their parts could be listed. */
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
    const sum = sums.get(repository) ?? { uploads: 0, multipart: 0, bytes: 0 };
    const multipart = sum.multipart + Number(code === "multipart-stale");
    sums.set(repository, { uploads: sum.uploads + 1, multipart, bytes: sum.bytes + bytes });
  }
  return sums;
}

/** Those of all repositories. */
export function totalAbandoned(sums: ReadonlyMap<string, AbandonedUploads>): AbandonedUploads {
  const total = { uploads: 0, multipart: 0, bytes: 0 };
  for (const { uploads, multipart, bytes } of sums.values()) {
    total.uploads += uploads;
    total.multipart += multipart;
    total.bytes += bytes;
  }
  return total;
}

/** How many there are, and whether the totals of uploads have them all. */
export function abandonedWords({ uploads, multipart }: AbandonedUploads): string {
  const count = countOf(uploads, "abandoned upload");
  return multipart === 0 ? count : `${count}, ${multipart} of them multipart, which no figure above has`;
}
