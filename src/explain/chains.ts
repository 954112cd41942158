import type { Space, KeptAs, Way } from "./space.js";

/**
 * What keeps things alive by itself, the most lasting first. `layer-linked` is a manifest that a tag once named and that registry 2.x
 * still finds by its layer link; `live-subject` one that is about a live manifest, which the repository itself does not keep as one; `dangling-tag` has lost its revision link; `held` is damage in a repository,
 * which keeps all that its links name; the young ones pass with the grace time.
 */
export const ROOT_KINDS = [
  "tag",
  "pin",
  "revision-link",
  "layer-linked",
  "live-subject",
  "dangling-tag",
  "held",
  "young-blob",
  "young-revision-link",
  "young-layer-link",
] as const;
export type RootKind = (typeof ROOT_KINDS)[number];

/** Where a chain begins. */
export interface ChainRoot {
  readonly kind: RootKind;
  /** Undefined for a blob that is kept whatever links it. */
  readonly repository: string | undefined;
  readonly tag?: string | undefined;
}

/** What a step is to the one before; the first is a manifest, what a layer link leads to, or a blob that is kept for itself. */
export type StepRole = KeptAs | "manifest" | "layer-link" | "blob";

/** A step of a chain by its number. */
interface NumberedStep {
  readonly id: number;
  readonly as: StepRole;
}

/** A root, and the references from what it names down to the focus. */
export interface NumberedChain {
  readonly root: ChainRoot;
  readonly steps: readonly NumberedStep[];
}

/** The chain that begins with a manifest, or what nobody can read, of which the way is known. */
function followWay(start: number, as: "manifest" | "blob", ways: ReadonlyMap<number, Way>): readonly NumberedStep[] {
  const steps: NumberedStep[] = [{ id: start, as }];
  for (let way = ways.get(start); way?.next !== undefined; way = ways.get(way.next.id)) steps.push(way.next);
  return steps;
}

/** How often a kind of root keeps the focus. */
export type RootCounts = Record<RootKind, number>;

/**
 * Keeps the best chains of any number, and counts all. Better is: what does not pass by itself, in the repository that was
 * asked about, by a more lasting root, shorter.
 */
export class ChainCollector {
  readonly counts: RootCounts = {
    tag: 0,
    pin: 0,
    "revision-link": 0,
    "layer-linked": 0,
    "live-subject": 0,
    "dangling-tag": 0,
    held: 0,
    "young-blob": 0,
    "young-revision-link": 0,
    "young-layer-link": 0,
  };
  readonly #repositories = new Set<string>();
  #best: NumberedChain[] = [];

  constructor(
    private readonly limit: number,
    readonly asked: { readonly repository: string | undefined; readonly tag: string | undefined },
  ) {}

  /** How many repositories there are that keep it. */
  get repositories(): number {
    return this.#repositories.size;
  }

  add(root: ChainRoot, steps: readonly NumberedStep[]): void {
    this.counts[root.kind]++;
    if (root.repository !== undefined) this.#repositories.add(root.repository);
    this.#best.push({ root, steps });
    if (this.#best.length >= this.limit * 2 + 64) this.#cut();
  }

  /** The best chains, the best first. */
  best(): readonly NumberedChain[] {
    this.#cut();
    return this.#best;
  }

  #cut(): void {
    this.#best = this.#best.sort((a, b) => this.#compare(a, b)).slice(0, this.limit);
  }

  #compare(a: NumberedChain, b: NumberedChain): number {
    const { repository, tag } = this.asked;
    const isElsewhere = ({ root }: NumberedChain): number => (repository === undefined || root.repository === repository ? 0 : 1);
    const isAnother = ({ root }: NumberedChain): number => (tag === undefined || root.tag === tag ? 0 : 1);
    const rank = ({ root }: NumberedChain): number => ROOT_KINDS.indexOf(root.kind);
    return (
      durationOf(a.root.kind) - durationOf(b.root.kind) ||
      isElsewhere(a) - isElsewhere(b) ||
      rank(a) - rank(b) ||
      isAnother(a) - isAnother(b) ||
      a.steps.length - b.steps.length ||
      compareText(a.root.repository, b.root.repository) ||
      compareText(a.root.tag, b.root.tag) ||
      (a.steps[0]?.id ?? 0) - (b.steps[0]?.id ?? 0)
    );
  }
}

/** How long a root keeps things: 0 until somebody removes it, 1 until the damage is repaired, 2 until the grace time is over. */
export function durationOf(kind: RootKind): 0 | 1 | 2 {
  return kind === "held" ? 1 : kind.startsWith("young-") ? 2 : 0;
}

function compareText(a = "", b = ""): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Adds the chains of one kind of root that keep the focus within a space. */
export function addChains(
  chains: ChainCollector,
  ways: ReadonlyMap<number, Way>,
  space: Space,
  kind: RootKind,
  start: number,
  tag?: string,
): void {
  const as = space.isManifest(start) ? "manifest" : "blob";
  if (ways.has(start)) chains.add({ kind, repository: space.repository, tag }, followWay(start, as, ways));
}
