import { elementAt } from "../element-at.js";
import type { StorageFault } from "../storage/listing.js";
import type { MarkContext } from "./context.js";
import { LIVE } from "./policy.js";
import { youngDamagedLayers, youngLayers, youngRevisions } from "./repository-graph.js";
import type { RepositoryGraph } from "./repository-graph.js";
import { resolveLayer } from "./repository-links.js";

type OnFault = (fault: StorageFault) => void;

/** A revision link younger than the grace time is a root: it may be part of a push. */
export async function keepYoungRevisions(context: MarkContext, graph: RepositoryGraph, onFault: OnFault): Promise<void> {
  const { links, reachability } = graph;
  const candidates = links.revisions.filter((id) => (reachability.marks(id) & LIVE) !== LIVE);
  for (const id of await youngRevisions(context, graph, candidates, onFault)) reachability.mark(id, LIVE);
}

/** A damaged layer link younger than the grace time may be in the middle of being written: what it names stays. */
export async function keepYoungDamagedLayers(context: MarkContext, graph: RepositoryGraph, onFault: OnFault): Promise<void> {
  for (const id of await youngDamagedLayers(context, graph, [...graph.links.damagedLayers], onFault))
    context.table.mark(id, LIVE);
}

/**
 * A layer link younger than the grace time keeps its blob. Where all is held, it is only asked whether a link whose blob was not listed has
 * been pushed since. `layerMarks` are the variants in which a live manifest needs each of `links.layers`. Returns the positions of those that
 * are young.
 */
export async function keepYoungLayers(
  context: MarkContext,
  graph: RepositoryGraph,
  layerMarks: Uint16Array,
  isHeld: boolean,
  onFault: OnFault,
): Promise<ReadonlySet<number>> {
  const { links } = graph;
  const { table } = context;
  const target = (position: number): number => resolveLayer(links, elementAt(links.layers, position));
  const decides = (position: number): boolean => !isHeld || !table.isStored(target(position));
  const unused = Array.from(links.layers.keys()).filter((i) => elementAt(layerMarks, i) !== LIVE && decides(i));
  const young = new Set(await youngLayers(context, graph, unused, onFault));
  for (const position of young) table.mark(target(position), LIVE);
  return young;
}
