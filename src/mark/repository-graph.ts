import { elementAt } from "../element-at.js";
import { revisionLinkPath, layerLinkPath } from "../registry/layout.js";
import type { RepositoryListing, StorageFault } from "../storage/listing.js";
import { danglingRoot, HELD, isYoung, LIVE, RETAINED_ROOT, REVISION_ROOT } from "./policy.js";
import type { Policy } from "./policy.js";
import { Reachability } from "./reachability.js";
import type { MarkContext } from "./context.js";
import { isLayerLinked, resolveLayer, resolveLinks } from "./repository-links.js";
import type { RepositoryLinks } from "./repository-links.js";
import { findLastingTags } from "./lasting-tags.js";
import { meaningOfLost } from "./lost-subjects.js";
import type { LostSubject } from "./lost-subjects.js";
import { findManifests } from "./repository-manifests.js";
import type { RepositoryManifests } from "./repository-manifests.js";
import { isPinned, pinsIn } from "./pinned.js";
import { youngLinks } from "./young-links.js";

/** A repository's links, and the manifests that they name: what liveness flows through. */
export interface RepositoryGraph {
  readonly name: string;
  readonly links: RepositoryLinks;
  /** What the pins mean here. */
  readonly pins: ReadonlySet<number>;
  /** Manifests besides the revisions, by what finds them. */
  readonly manifests: RepositoryManifests;
  /** Tags that no policy drops, though they may dangle. */
  readonly lasting: ReadonlySet<string>;
  /** Nothing is marked yet. */
  readonly reachability: Reachability;
  /** What could not be asked. */
  readonly faults: readonly StorageFault[];
}

/** Something that keeps a manifest of its repository alive, in the variants that `bits` say. */
export interface Root {
  readonly kind: "tag" | "revision" | "layer-linked" | "young-manifest" | "pin" | "subject" | "held";
  readonly id: number;
  readonly bits: number;
  readonly tag?: string;
  /** What the tag's link holds. */
  readonly target?: number;
  /** What the referrer is about. */
  readonly subject?: number;
}

/** Resolves a repository's links and reads its manifests. */
export async function buildGraph(context: MarkContext, listing: RepositoryListing): Promise<RepositoryGraph> {
  const links = resolveLinks(listing, context.table);
  const pins = pinsIn(context.pins, links);
  const faults: StorageFault[] = [];
  const lasting = await findLastingTags(context, listing, links, pins, (fault) => faults.push(fault));
  const manifests = await findManifests(context, links, pins, lasting);
  const reachability = new Reachability(links, manifests, danglingRoot(context.policy), context);
  return { name: listing.name, links, pins, manifests, lasting, reachability, faults };
}

/** How a tag's manifest is found, or that it is not: then the tag dangles. */
export function findTarget(
  { links, manifests, reachability }: RepositoryGraph,
  target: number,
): "revision" | "layer-link" | undefined {
  const isAnother = links.mismatched.has(target) || manifests.recoverable.has(target) || manifests.layerLinked.has(target);
  if (reachability.has(target) && !isAnother) return "revision";
  return isLayerLinked(links, target) && reachability.has(resolveLayer(links, target)) ? "layer-link" : undefined;
}

/**
 * All roots of a repository that are known without asking for the age of a link. Some name no manifest of the repository. `going` are the
 * tags that a policy file lets go.
 */
export function* rootsOf(
  context: MarkContext,
  graph: RepositoryGraph,
  isHeld: boolean,
  going: ReadonlySet<string> = new Set(),
): Generator<Root> {
  const { policy, table } = context;
  const { links, reachability } = graph;
  for (const { name, target } of links.tags)
    yield { kind: "tag", id: reachability.resolve(target), bits: going.has(name) ? RETAINED_ROOT : LIVE, tag: name, target };
  for (const id of links.revisions) {
    yield { kind: "revision", id, bits: REVISION_ROOT };
    if (table.isStored(id) && isYoung(policy, table.modified(id))) yield { kind: "young-manifest", id, bits: LIVE };
  }
  for (const [id, bits] of formerManifests(policy, graph)) yield { kind: "layer-linked", id, bits };
  for (const id of reachability.manifests) if (isPinned(context.store, graph, id)) yield { kind: "pin", id, bits: LIVE };
  yield* subjectRoots(context, reachability, isHeld);
  if (isHeld) for (const id of reachability.manifests) yield { kind: "held", id, bits: HELD };
}

/**
 * What tags once named, and only a layer link finds, with its bits: whoever knows its digest may pull it by that. With a dangling tag that is
 * dropped goes the history that tells it from a layer.
 */
function formerManifests(policy: Policy, graph: RepositoryGraph): ReadonlyMap<number, number> {
  const { links, manifests, lasting, reachability } = graph;
  const former = new Map<number, number>();
  if (manifests.layerLinked.size === 0) return former;
  const isDropped = ({ name, target }: { name: string; target: number }): boolean =>
    !lasting.has(name) && findTarget(graph, target) === undefined;
  const dropped = new Set(links.tags.filter(isDropped).map(({ name }) => name));
  for (const { tag, target } of links.history) {
    const id = reachability.resolve(target);
    if (!manifests.layerLinked.has(id)) continue;
    const bits = dropped.has(tag) ? REVISION_ROOT & danglingRoot(policy) : REVISION_ROOT;
    former.set(id, (former.get(id) ?? 0) | bits);
  }
  return former;
}

/**
 * A referrer lives as long as its subject does in any repository: signatures may have one of their own (`COSIGN_REPOSITORY`). Until all
 * repositories are marked, that life is not known to its end.
 */
export function* subjectRoots(context: MarkContext, reachability: Reachability, isHeld: boolean): Generator<Root> {
  for (const { referrer, subject } of reachability.referrers())
    yield { kind: "subject", id: referrer, bits: lifeOf(context, subject, isHeld), subject };
  // Whoever may push decides how many there are.
  const sizes = new Map<number, number>();
  for (const lost of reachability.lostSubjects)
    yield { kind: "subject", id: lost.referrer, bits: lifeOfLost(context, lost, isHeld, sizes) };
}

/** In which variants what a lost subject may be is known to live; `sizes` remembers that of all that has a size. */
function lifeOfLost(context: MarkContext, lost: LostSubject, isHeld: boolean, sizes: Map<number, number>): number {
  const { table, lostSizes } = context;
  const { told, size, isAnything } = meaningOfLost(context, lost);
  if (isAnything) return LIVE;
  let bits = 0;
  for (const id of told) bits |= lifeOf(context, id, isHeld);
  if (size === undefined) return bits;
  let sameSize = sizes.get(size);
  if (sameSize === undefined) {
    sameSize = 0;
    lostSizes.forEachMeant(size, false, table.count, (id) => (sameSize = (sameSize ?? 0) | lifeOf(context, id, isHeld)));
    sizes.set(size, sameSize);
  }
  return bits | sameSize;
}

/**
 * In which variants a manifest is known to live so far, for what is about it in a repository. What damage holds it back elsewhere, or has taken it
 * there, leaves it alive; `isHeld` says that the repository itself is held back, and so keeps all that it has anyway.
 */
export function lifeOf({ table, policy, lostManifests }: MarkContext, subject: number, isHeld: boolean): number {
  if (!table.isStored(subject)) return lostManifests.has(subject) && !isHeld ? LIVE : 0;
  const marks = table.marks(subject);
  const isKept = ((marks & HELD) !== 0 && !isHeld) || isYoung(policy, table.modified(subject));
  return isKept ? LIVE : marks & LIVE;
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
  const path = (position: number): string => layerLinkPath(name, context.table.digest(elementAt(layers, position)));
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
