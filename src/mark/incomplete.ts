import type { BlobTable } from "./blob-table.js";
import type { Finding, FindingCode } from "./finding.js";
import { HELD } from "./policy.js";
import type { MarkedRepository } from "./repository.js";

/**
 * What could not be read may refer to anything, anywhere (safety rule 1): all blobs are held back, and no link is called garbage.
 * People delete by hand what a list calls garbage (goharbor/harbor#20606).
 */
export function holdAll(table: BlobTable): BlobTable {
  for (let id = 0; id < table.count; id++) table.mark(id, HELD);
  return table;
}

/** Codes that say that nothing needs a thing. */
const GARBAGE: ReadonlySet<FindingCode> = new Set(["layer-link-unreferenced", "manifest-unreferenced", "tag-index-dangling"]);

/** A repository whose links are all kept. */
export function withoutGarbage(repository: MarkedRepository): MarkedRepository {
  const nothing = { revisions: 0, layerLinks: 0 };
  return {
    ...repository,
    reclaimable: { asIs: nothing, withDeleteUntagged: nothing, withDropDanglingTags: nothing, withBoth: nothing },
    findings: repository.findings.filter(({ code }) => !GARBAGE.has(code)).map(kept),
  };
}

function kept(finding: Finding): Finding {
  return finding.reclaimable === true ? { ...finding, reclaimable: false } : finding;
}
