import type { FindingCode } from "../mark/finding.js";
import type { Marked } from "../mark/marked.js";
import { HELD, isGarbage, selectedVariant } from "../mark/policy.js";
import type { Policy } from "../mark/policy.js";
import type { MarkedRepository } from "../mark/marked-repository.js";
import type { BlobFindings } from "./blob-findings.js";
import { severityOf } from "./catalogue.js";
import type { AbandonedUploads } from "./upload-sums.js";

/** How many findings of each code there are; codes without any are absent. */
export type FindingCounts = Partial<Record<FindingCode, number>>;

/** A repository's line of the report. Bytes count each blob once. */
export interface RepositoryReport {
  readonly name: string;
  readonly tags: number;
  readonly revisions: number;
  readonly layerLinks: number;
  readonly uploads: number;
  /** Bytes of all that lies in its uploads. */
  readonly uploadBytes: number;
  /** Of these, bytes of what a sweep with --purge-uploads takes. */
  readonly abandonedBytes: number;
  /** Bytes of the blobs that its links name. */
  readonly bytes: number;
  /** Of these, bytes that no other repository's links name. */
  exclusiveBytes: number;
  /** Of the exclusive bytes, those that the selected policy reclaims. */
  reclaimableBytes: number;
  /** Bytes that would be reclaimable, but for damage in this repository (safety rule 1); 0 where there is none. */
  readonly heldBytes: number;
  /** What a policy file lets go: tags, and of the exclusive bytes those that a sweep with --delete-untagged would then reclaim; undefined without one. */
  readonly withPolicy?: { readonly tags: number; bytes: number } | undefined;
  readonly findings: FindingCounts;
}

/** The lines of all repositories, by name. */
export function repositoryReports(
  marked: Marked,
  policy: Policy,
  { blobs, abandoned }: { readonly blobs: BlobFindings; readonly abandoned: ReadonlyMap<string, AbandonedUploads> },
): RepositoryReport[] {
  const { table } = marked;
  const variant = selectedVariant(policy);
  const reports = marked.repositories.map((repository, i): RepositoryReport => {
    const findings: FindingCounts = {};
    for (const { code } of repository.findings) findings[code] = (findings[code] ?? 0) + 1;
    const unreferenced = blobs.counts.get(i + 1);
    if (unreferenced !== undefined) findings["blob-unreferenced"] = unreferenced;
    const { name, tags, revisions, layerLinks, uploads, uploadBytes, bytes } = repository;
    return {
      name,
      tags,
      revisions,
      layerLinks,
      uploads,
      uploadBytes,
      abandonedBytes: abandoned.get(name)?.bytes ?? 0,
      bytes,
      exclusiveBytes: 0,
      reclaimableBytes: 0,
      heldBytes: heldBytes(repository),
      withPolicy: repository.retention && { tags: repository.retention.goes, bytes: 0 },
      findings,
    };
  });
  table.forEach((id, size, modified) => {
    const report = reports[table.owner(id) - 1];
    if (report === undefined) return;
    report.exclusiveBytes += size;
    const marks = table.marks(id);
    if (isGarbage(marks, variant, policy, modified)) report.reclaimableBytes += size;
    if (report.withPolicy !== undefined && isGarbage(marks, "withPolicy", policy, modified)) report.withPolicy.bytes += size;
  });
  return reports.sort((a, b) => (a.name < b.name ? -1 : 1));

  function heldBytes({ heldBlobs }: MarkedRepository): number {
    let sum = 0;
    for (const id of heldBlobs ?? []) {
      if (isGarbage(table.marks(id) & ~HELD, variant, policy, table.modified(id))) sum += table.size(id);
    }
    return sum;
  }
}

/** How many errors there are in each repository that has any. */
export function countErrors(repositories: readonly MarkedRepository[]): ReadonlyMap<string, number> {
  const errors = new Map<string, number>();
  for (const { name, findings } of repositories) {
    const count = findings.filter((finding) => severityOf(finding) === "error").length;
    if (count > 0) errors.set(name, count);
  }
  return errors;
}

/** How many tags a policy file lets go, in all repositories that the report is about. */
export function tagsThatGo({ repositories }: { readonly repositories: readonly RepositoryReport[] }): number {
  return repositories.reduce((sum, { withPolicy }) => sum + (withPolicy?.tags ?? 0), 0);
}
