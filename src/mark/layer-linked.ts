import { revisionLinkPath } from "../registry/layout.js";
import type { MarkContext } from "./context.js";
import type { Finding } from "./finding.js";
import type { RepositoryGraph } from "./repository-graph.js";

/** Reports manifests that only registries of 2.x find, by their layer links: those of tags, and live children of indexes (`relevant` bits). */
export function checkLayerLinked({ table, store }: MarkContext, graph: RepositoryGraph, relevant: number): Finding[] {
  const { name: repository, links, manifests, reachability } = graph;
  if (manifests.layerLinked.size === 0) return [];
  const named = new Set(links.tags.map(({ target }) => reachability.resolve(target)));
  for (const manifest of reachability.manifests) {
    if ((reachability.marks(manifest) & relevant) === 0) continue;
    store.forEachReference(manifest, (role, child) => {
      if (role === "child") named.add(reachability.resolve(child));
    });
  }
  return [...manifests.layerLinked].flatMap((id): Finding[] => {
    if (!named.has(id)) return [];
    const digest = table.digest(id);
    const path = revisionLinkPath(repository, digest);
    return [{ code: "revision-link-missing", path, repository, tag: reachability.tag(id), digest }];
  });
}

/**
 * Tags that name such a manifest, or have named it. Without a tag the next sweep would take it: nothing else says of what is linked as a layer
 * that it is a manifest.
 */
export function tagsOfLayerLinked({ links, manifests, reachability }: RepositoryGraph): ReadonlySet<string> {
  const isLayerLinked = (target: number): boolean => manifests.layerLinked.has(reachability.resolve(target));
  return new Set([
    ...links.tags.flatMap(({ name, target }) => (isLayerLinked(target) ? [name] : [])),
    ...links.history.flatMap(({ tag, target }) => (isLayerLinked(target) ? [tag] : [])),
  ]);
}
