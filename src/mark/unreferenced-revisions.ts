import { revisionLinkPath } from "../registry/layout.js";
import type { MarkContext } from "./context.js";
import type { Finding } from "./finding.js";
import { HELD, VARIANT_BITS } from "./policy.js";
import type { RepositoryGraph } from "./repository-graph.js";

/**
 * Reports the revisions that nothing but their link keeps. `selected` is the bit of the selected policy; `onRevision` receives the marks of
 * each revision.
 */
export function checkRevisions(
  { table, policy }: MarkContext,
  { name: repository, links, reachability }: RepositoryGraph,
  selected: number,
  onRevision: (marks: number) => void,
): Finding[] {
  const findings: Finding[] = [];
  const untagged = policy.deleteUntagged ? selected : VARIANT_BITS.withDeleteUntagged;
  for (const id of links.revisions) {
    const marks = reachability.marks(id);
    onRevision(marks);
    if ((marks & (untagged | HELD)) !== 0 || !table.isStored(id)) continue;
    const digest = table.digest(id);
    findings.push({
      code: "manifest-unreferenced",
      path: revisionLinkPath(repository, digest),
      repository,
      digest,
      bytes: table.size(id),
      height: reachability.height(id),
      reclaimable: (marks & selected) === 0,
    });
  }
  return findings;
}
