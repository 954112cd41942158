import type { MarkContext } from "./context.js";
import { namedBlobs } from "./named-blobs.js";
import { forEachPinnedConfig } from "./pinned.js";
import { MANIFEST, PINNED_CONFIG } from "./policy.js";
import type { RepositoryGraph } from "./repository-graph.js";
import { resolveLayer } from "./repository-links.js";

/** Notes which blobs repository number `owner` names, and what it has them as. */
export function ownBlobs(context: MarkContext, graph: RepositoryGraph, owner: number): void {
  const { table, store, aliases, shownBlobs } = context;
  const { links, reachability } = graph;
  for (const id of links.layers) table.own(resolveLayer(links, id), owner);
  for (const [id, meant] of links.meanings) {
    const lists = aliases.get(id);
    if (lists === undefined) aliases.set(id, [meant]);
    else lists.push(meant);
  }
  for (const id of reachability.manifests) {
    table.own(id, owner);
    table.mark(id, MANIFEST);
    forEachPinnedConfig(store, graph, id, (config) => table.mark(config, PINNED_CONFIG));
  }
  // For a report on some repositories.
  if (shownBlobs === undefined || table.isLeftOut(owner)) return;
  for (const id of namedBlobs(links, reachability.manifests, table)) shownBlobs[id] = 1;
}
