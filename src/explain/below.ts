import type { Marked } from "../mark/marked.js";
import { pinsAnywhere } from "../mark/pinned.js";
import { isYoung, selectedBit } from "../mark/policy.js";
import { buildGraph, rootsOf, youngDamagedLayers, youngLayers, youngRevisions } from "../mark/repository-graph.js";
import type { RepositoryGraph, Root } from "../mark/repository-graph.js";
import { elementAt } from "../element-at.js";
import { resolveLayer } from "../mark/repository-links.js";
import type { StorageFault } from "../storage/listing.js";
import { reach, repositorySpace, anywhereRoots, anywhereSpace } from "./space.js";
import type { Space } from "./space.js";

/** What the focus refers to, as far as it is a manifest, by number and without itself. */
export interface Below {
  /** What a pull of it fetches. */
  readonly pulled: Set<number>;
  /** The same, with what its referrers bring. */
  readonly all: Set<number>;
  /** The manifests of these in each space in which the focus is a manifest. */
  readonly manifests: Map<string | undefined, ReadonlySet<number>>;
}

export function nothingBelow(): Below {
  return { pulled: new Set(), all: new Set(), manifests: new Map() };
}

/** Adds what the focus refers to in a space, if it is a manifest there. */
export function collectBelow(below: Below, space: Space, focus: number): void {
  if (!space.has(focus)) return;
  const own = reach(withoutReferrers(space), [focus], ANY);
  const all = reach(space, [focus], ANY);
  addBlobs(below.pulled, space, own, focus);
  addBlobs(below.all, space, all, focus);
  all.delete(focus);
  below.manifests.set(space.repository, all);
}

/** Any of the bits will do. */
const ANY = ~0;

function withoutReferrers(space: Space): Space {
  return {
    ...space,
    forEachKept: (id, visit) =>
      space.forEachKept(id, (kept, as) => {
        if (as !== "referrer") visit(kept, as);
      }),
  };
}

function addBlobs(blobs: Set<number>, space: Space, manifests: ReadonlySet<number>, focus: number): void {
  for (const id of manifests) {
    if (id !== focus) blobs.add(id);
    space.forEachBlob(id, (blob) => {
      if (blob !== focus) blobs.add(blob);
    });
  }
}

/** Which of what lies below the focus would stay without it, and which goes with other garbage just as well. */
export interface Keepers {
  readonly kept: ReadonlySet<number>;
  readonly shared: ReadonlySet<number>;
}

/** Asks every repository, with its links read once more, what it would keep alive if the focus were gone. */
export async function findKeepers(
  marked: Marked,
  focus: number,
  below: Below,
  onFault: (fault: StorageFault) => void,
): Promise<Keepers> {
  const finder = new KeeperFinder(marked, focus, below, onFault);
  const { storage } = marked.context;
  const held = new Set(marked.repositories.filter(({ heldBlobs }) => heldBlobs !== undefined).map(({ name }) => name));
  for await (const listing of storage.repositories())
    if (listing.isRepository) await finder.ask(await buildGraph(marked.context, listing), held.has(listing.name));
  finder.askAnywhere();
  finder.followSubjects();
  return finder;
}

class KeeperFinder implements Keepers {
  readonly kept = new Set<number>();
  readonly shared = new Set<number>();
  /** Referrers of what is below the focus, with what else lives in their repositories. */
  readonly #referrers: { readonly space: Space; readonly referrers: readonly Root[]; readonly live: Set<number> }[] = [];
  readonly #bits: number;

  constructor(
    private readonly marked: Marked,
    private readonly focus: number,
    private readonly below: Below,
    private readonly onFault: (fault: StorageFault) => void,
  ) {
    this.#bits = selectedBit(marked.context.policy);
  }

  async ask(graph: RepositoryGraph, isHeld: boolean): Promise<void> {
    const { context } = this.marked;
    const space = repositorySpace(graph, context);
    const wanted = isHeld ? ANY : this.#bits;
    await this.#askLayerLinks(graph, isHeld);
    if (!space.manifests.some((id) => id !== this.focus && this.#names(space, id))) return;
    const roots: number[] = [];
    const referrers: Root[] = [];
    for (const root of rootsOf(context, graph, isHeld)) {
      if (root.kind === "held" || (root.bits & wanted) === 0) continue;
      // Whether its subject would live without the focus is not known yet.
      if (this.#goes(root.subject)) referrers.push(root);
      else roots.push(root.id);
    }
    // Not all manifests of the repository: of some it is known by the focus alone that they are manifests.
    if (isHeld) for (const target of graph.links.lostTargets) roots.push(graph.reachability.resolve(target));
    const live = reach(space, roots, wanted, this.focus);
    if (!isHeld && context.policy.deleteUntagged) {
      const candidates = graph.links.revisions.filter((id) => id !== this.focus && !live.has(id));
      const young = await youngRevisions(context, graph, candidates, this.onFault);
      for (const id of reach(space, young, this.#bits, this.focus)) live.add(id);
    }
    this.#note(space, live);
    if (referrers.length > 0) this.#referrers.push({ space, referrers, live });
  }

  /** What is about something below the focus stays where that does. */
  followSubjects(): void {
    for (let before = -1; before !== this.kept.size;) {
      before = this.kept.size;
      for (const { space, referrers, live } of this.#referrers) {
        const kept = referrers.flatMap(({ id, subject = id }) => (this.kept.has(subject) && !live.has(id) ? [id] : []));
        if (kept.length === 0) continue;
        for (const id of reach(space, kept, this.#bits, this.focus)) live.add(id);
        this.#note(space, live);
      }
    }
  }

  /** Whether it is the focus, or below that. */
  #goes(id: number | undefined): boolean {
    return id !== undefined && (id === this.focus || this.below.all.has(id));
  }

  askAnywhere(): void {
    const { table, policy } = this.marked.context;
    const pins = pinsAnywhere(this.marked.context);
    for (const id of this.below.all)
      if (pins.has(id) || (table.isStored(id) && isYoung(policy, table.modified(id)))) this.kept.add(id);
    const space = anywhereSpace(this.marked.anywhere, this.marked.context);
    this.#note(space, reach(space, anywhereRoots(this.marked), ANY, this.focus));
  }

  /** Whether it is below the focus, or refers to what is. */
  #names(space: Space, id: number): boolean {
    let names = this.below.all.has(id);
    if (!names)
      space.forEachBlob(id, (blob) => {
        names ||= this.below.all.has(blob);
      });
    return names;
  }

  async #askLayerLinks(graph: RepositoryGraph, isHeld: boolean): Promise<void> {
    const { context } = this.marked;
    const { layers, damagedLayers } = graph.links;
    const target = (position: number): number => resolveLayer(graph.links, elementAt(layers, position));
    const positions = [...layers.keys()].filter((position) => this.below.all.has(target(position)));
    const damaged = [...damagedLayers].filter((id) => this.below.all.has(id));
    const keeping = isHeld ? positions : await youngLayers(context, graph, positions, this.onFault);
    for (const position of keeping) this.kept.add(target(position));
    for (const id of isHeld ? damaged : await youngDamagedLayers(context, graph, damaged, this.onFault)) this.kept.add(id);
  }

  /** Notes what live manifests keep, and what others refer to that are dead, but not by the focus. */
  #note(space: Space, live: ReadonlySet<number>): void {
    const { all, manifests } = this.below;
    const below = manifests.get(space.repository);
    const dead = space.manifests.filter((id) => !live.has(id) && below?.has(id) !== true);
    const others = reach(space, dead, ANY, this.focus);
    for (const [reached, noted] of [
      [live, this.kept],
      [others, this.shared],
    ] as const) {
      for (const id of reached) {
        if (all.has(id)) noted.add(id);
        space.forEachBlob(id, (blob) => {
          if (all.has(blob)) noted.add(blob);
        });
      }
    }
  }
}
