import type { Marked } from "../mark/marked.js";
import { forEachMeantAnywhere, forEachMeantBlob } from "../mark/meant-blobs.js";
import { pinsAnywhere } from "../mark/pinned.js";
import { isYoung } from "../mark/policy.js";
import type { RepositoryGraph } from "../mark/repository-graph.js";
import type { MarkContext } from "../mark/context.js";
import type { ReferenceRole } from "../registry/manifest.js";

/** What one thing is to the thing that keeps it. A live subject keeps its referrers. */
export type KeptAs = ReferenceRole | "referrer";

/** Manifests among which liveness flows: those of a repository, or those that keep what they refer to wherever that is. */
export interface Space {
  /** Undefined for manifests of any repository, or of none. */
  readonly repository: string | undefined;
  readonly manifests: readonly number[];
  has(id: number): boolean;
  /** Whether something that is in the space is a manifest, for all that is known: what is pinned may be anything. */
  isManifest(id: number): boolean;
  /** Calls `visit` for each manifest of the space that this one keeps alive. */
  forEachKept(id: number, visit: (kept: number, as: KeptAs) => void): void;
  /** Calls `visit` for each blob that the manifest keeps in the storage, a child's among them, with what the reference leads to. */
  forEachBlob(id: number, visit: (blob: number, as: ReferenceRole) => void): void;
  /** Those of the policy's bits that a manifest takes, and passes on. */
  accepts(id: number, bits: number): number;
}

/** A repository's manifests, with references resolved by its links. */
export function repositorySpace({ name, links, reachability }: RepositoryGraph, context: MarkContext): Space {
  return {
    repository: name,
    manifests: reachability.manifests,
    has: (id) => reachability.has(id),
    isManifest: (id) => reachability.has(id),
    forEachKept: (id, visit) => reachability.forEachKept(id, visit),
    forEachBlob: (id, visit) => forEachMeantBlob(context, links, id, visit),
    accepts: (id, bits) => reachability.accepts(id, bits),
  };
}

/** Manifests whatever repositories link them: indexes lead on from one to another, and damage to what it mentions. */
export function anywhereSpace(manifests: readonly number[], context: MarkContext): Space {
  const own = new Set(manifests);
  return {
    repository: undefined,
    manifests,
    has: (id) => own.has(id),
    isManifest: (id) => own.has(id) && context.store.problem(id)?.kind !== "invalid",
    forEachKept: (id, visit) =>
      forEachMeantAnywhere(context, id, (named, role) => {
        if ((role === "child" || role === "mention") && own.has(named)) visit(named, role);
      }),
    forEachBlob: (id, visit) => forEachMeantAnywhere(context, id, visit),
    accepts: (_, bits) => bits,
  };
}

/** Those of these manifests that are kept for their own sake. */
export function anywhereRoots({ anywhere, context }: Marked): number[] {
  const { table, policy } = context;
  const pins = pinsAnywhere(context);
  return anywhere.filter((id) => pins.has(id) || isYoung(policy, table.modified(id)));
}

/** All manifests that liveness flows to from the `starts`, themselves included; never into or through `except`. */
export function reach(space: Space, starts: Iterable<number>, bits: number, except?: number): Set<number> {
  const reached = new Set<number>();
  const pending = [...starts];
  for (let id = pending.pop(); id !== undefined; id = pending.pop()) {
    if (id === except || reached.has(id) || !space.has(id) || space.accepts(id, bits) === 0) continue;
    reached.add(id);
    space.forEachKept(id, (kept) => pending.push(kept));
  }
  return reached;
}

/** The next step on a shortest way from a manifest to the focus; the focus itself has none. */
export interface Way {
  /** References from here to the focus. */
  readonly distance: number;
  readonly next: { readonly id: number; readonly as: KeptAs } | undefined;
}

/** For each manifest of the space from which bits pass to the focus: the way there. */
export function findWays(space: Space, focus: number, bits: number): ReadonlyMap<number, Way> {
  const ways = new Map<number, Way>();
  const isOpen = (id: number): boolean => space.accepts(id, bits) !== 0;
  if (space.has(focus) && isOpen(focus)) ways.set(focus, { distance: 0, next: undefined });
  for (const id of space.manifests) {
    if (id === focus || !isOpen(id)) continue;
    space.forEachBlob(id, (blob, as) => {
      if (blob === focus && !ways.has(id)) ways.set(id, { distance: 1, next: { id: focus, as } });
    });
  }
  if (ways.size === 0) return ways;
  const keepers = findKeepers(space, isOpen);
  // Level by level: those that name the focus are the first, with those whose referrer it is.
  for (let level = [...ways.keys()], distance = 1; level.length > 0; distance++) {
    const further: number[] = [];
    for (const next of level) {
      if ((ways.get(next)?.distance ?? 0) >= distance) {
        further.push(next);
        continue;
      }
      for (const { id, as } of keepers.get(next) ?? []) {
        if (ways.has(id)) continue;
        ways.set(id, { distance, next: { id: next, as } });
        further.push(id);
      }
    }
    level = further;
  }
  return ways;
}

function findKeepers(space: Space, isOpen: (id: number) => boolean): Map<number, { id: number; as: KeptAs }[]> {
  const keepers = new Map<number, { id: number; as: KeptAs }[]>();
  for (const id of space.manifests) {
    if (!isOpen(id)) continue;
    space.forEachKept(id, (kept, as) => {
      const known = keepers.get(kept);
      if (known === undefined) keepers.set(kept, [{ id, as }]);
      else known.push({ id, as });
    });
  }
  return keepers;
}
