import { tagIndexLinkPath } from "../registry/layout.js";
import type { Finding } from "./finding.js";
import { HELD } from "./policy.js";
import type { Reachability } from "./reachability.js";
import type { MarkContext } from "./context.js";
import type { RepositoryLinks } from "./repository-links.js";

/**
 * Reports the history entries of manifests that the selected policy (`selected`, its bit) lets go: they would dangle after a sweep, so
 * they go with it, as the registry's own collector has it (`registry/storage/garbagecollect.go`).
 */
export function checkHistory(
  { table }: MarkContext,
  repository: string,
  { history }: RepositoryLinks,
  reachability: Reachability,
  selected: number,
): Finding[] {
  return history.flatMap(({ tag, target }): Finding[] => {
    if ((reachability.marks(reachability.resolve(target)) & (selected | HELD)) !== 0) return [];
    const digest = table.digest(target);
    const path = tagIndexLinkPath(repository, tag, digest);
    return [{ code: "tag-index-dangling", path, repository, tag, digest, cause: { kind: "goes-with-manifest" } }];
  });
}
