import type { BlobTable } from "./blob-table.js";
import type { Finding, FindingCode } from "./finding.js";
import { perVariant, HELD } from "./policy.js";
import type { MarkedRepository } from "./marked-repository.js";
import type { RepositoryRetention } from "./retention.js";

/**
 * What could not be read may refer to anything, anywhere (safety rule 1): all blobs are held back, and no link is called garbage.
 * People delete by hand what a list calls garbage (goharbor/harbor#20606).
 */
export function holdAll(table: BlobTable): BlobTable {
  for (let id = 0; id < table.count; id++) table.mark(id, HELD);
  return table;
}

/** Codes that say that nothing needs a thing. */
const GARBAGE: ReadonlySet<FindingCode> = new Set([
  "layer-link-unreferenced",
  "manifest-unreferenced",
  "repository-empty",
  "tag-index-dangling",
]);

/** A repository whose links are all kept. */
export function withoutGarbage(repository: MarkedRepository): MarkedRepository {
  return {
    ...repository,
    reclaimable: perVariant(() => ({ revisions: 0, layerLinks: 0 })),
    retention: repository.retention && withoutGoing(repository.retention),
    findings: repository.findings.filter(({ code }) => !GARBAGE.has(code)).map(kept),
  };
}

/** No tag goes. */
function withoutGoing(retention: RepositoryRetention): RepositoryRetention {
  return { ...retention, goes: 0, decisions: [] };
}

function kept(finding: Finding): Finding {
  return finding.reclaimable === true ? { ...finding, reclaimable: false } : finding;
}
