import { revisionLinkPath, layerLinkPath } from "../registry/layout.js";
import { isTagName } from "../registry/reference.js";
import type { RepositoryListing, StorageFault } from "../storage/listing.js";
import { danglingRoot, HELD, isYoung, LIVE, RETAINED_ROOT, REVISION_ROOT } from "./policy.js";
import { Reachability } from "./reachability.js";
import type { MarkContext } from "./context.js";
import { resolveLinks } from "./repository-links.js";
import type { RepositoryLinks } from "./repository-links.js";
import { youngLinks } from "./young-links.js";

/** A repository's links, and the manifests that they name: what liveness flows through. */
export interface RepositoryGraph {
  readonly name: string;
  readonly links: RepositoryLinks;
  /** Manifests that are still stored and have no revision link, only a tag that dangles. */
  readonly recoverable: ReadonlySet<number>;
  /** Nothing is marked yet. */
  readonly reachability: Reachability;
}

/** Something that keeps a manifest of its repository alive, in the variants that `bits` say. */
export interface Root {
  readonly kind: "tag" | "revision" | "young-manifest" | "pin" | "held";
  readonly id: number;
  readonly bits: number;
  readonly tag?: string;
}

/** Resolves a repository's links and reads its manifests. */
export async function buildGraph({ table, store, policy }: MarkContext, listing: RepositoryListing): Promise<RepositoryGraph> {
  const links = resolveLinks(listing, table);
  const revisions = new Set(links.revisions);
  const recoverable = new Set(links.tags.map((tag) => tag.target).filter((id) => !revisions.has(id) && table.isStored(id)));
  await store.load([...links.revisions, ...recoverable]);
  // A tag that is outside the grammar is never dropped, so it always keeps its manifest.
  const kept = new Set(links.tags.filter(({ name }) => !isTagName(name)).map((tag) => tag.target));
  const lasting = [...links.revisions, ...[...recoverable].filter((id) => kept.has(id))];
  const droppable = new Set([...recoverable].filter((id) => !kept.has(id)));
  return {
    name: listing.name,
    links,
    recoverable,
    reachability: new Reachability(lasting, droppable, danglingRoot(policy), store),
  };
}

/**
 * All roots of a repository that are known without asking for the age of a link. Some name no manifest of the repository. `going` are the
 * tags that a policy file lets go.
 */
export function* rootsOf(
  { policy, pins, table }: MarkContext,
  { links, reachability }: RepositoryGraph,
  isHeld: boolean,
  going: ReadonlySet<string> = new Set(),
): Generator<Root> {
  for (const { name, target } of links.tags)
    yield { kind: "tag", id: target, bits: going.has(name) ? RETAINED_ROOT : LIVE, tag: name };
  for (const id of links.revisions) {
    yield { kind: "revision", id, bits: REVISION_ROOT };
    if (table.isStored(id) && isYoung(policy, table.modified(id))) yield { kind: "young-manifest", id, bits: LIVE };
  }
  for (const id of reachability.manifests) if (pins.has(id)) yield { kind: "pin", id, bits: LIVE };
  if (isHeld) for (const id of reachability.manifests) yield { kind: "held", id, bits: HELD };
}

/** Those of a repository's revisions whose link is younger than the grace time: roots too, for they may be part of a push. */
export function youngRevisions(
  context: MarkContext,
  { name, links }: RepositoryGraph,
  revisions: readonly number[],
  onFault: (fault: StorageFault) => void,
): Promise<readonly number[]> {
  const known = links.revisionTimes;
  const path = (id: number): string => revisionLinkPath(name, context.table.digest(id));
  return youngLinks(context, revisions, path, known && ((id) => known.get(id)), onFault);
}

/** Those positions in `links.layers` whose link is younger than the grace time: these keep their blob. */
export function youngLayers(
  context: MarkContext,
  { name, links }: RepositoryGraph,
  positions: readonly number[],
  onFault: (fault: StorageFault) => void,
): Promise<readonly number[]> {
  const { layers, layerTimes } = links;
  const path = (position: number): string => layerLinkPath(name, context.table.digest(layers[position] ?? 0));
  return youngLinks(context, positions, path, layerTimes && ((position) => layerTimes[position]), onFault);
}

/** The same for blobs that damaged layer links name: what is empty may be in the middle of being written. */
export function youngDamagedLayers(
  context: MarkContext,
  { name }: RepositoryGraph,
  ids: readonly number[],
  onFault: (fault: StorageFault) => void,
): Promise<readonly number[]> {
  return youngLinks(context, ids, (id) => layerLinkPath(name, context.table.digest(id)), undefined, onFault);
}
