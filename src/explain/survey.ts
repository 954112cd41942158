import type { Marked } from "../mark/marked.js";
import { pinsAnywhere } from "../mark/pinned.js";
import { HELD, isYoung, REVISION, selectedBit } from "../mark/policy.js";
import { fingerprintOf } from "../mark/fingerprint.js";
import { buildGraph, findTarget, rootsOf, youngDamagedLayers, youngLayers, youngRevisions } from "../mark/repository-graph.js";
import type { RepositoryGraph, Root } from "../mark/repository-graph.js";
import type { MarkedRepository } from "../mark/marked-repository.js";
import type { RepositoryListing, StorageFault } from "../storage/listing.js";
import { addChains } from "./chains.js";
import type { ChainCollector, RootKind } from "./chains.js";
import { collectBelow } from "./below.js";
import type { Below } from "./below.js";
import { findMention, findNamers } from "./mentions.js";
import type { Mention, Namer } from "./mentions.js";
import { findWays, reach, repositorySpace, anywhereRoots, anywhereSpace } from "./space.js";
import type { Space, Way } from "./space.js";

/** What the repositories say of the focus. */
export interface Survey {
  readonly chains: ChainCollector;
  readonly below: Below;
  readonly mentions: readonly Mention[];
  /** Repositories that have changed since they were marked. */
  readonly changed: readonly string[];
  readonly faults: readonly StorageFault[];
  /** Whether a registry finds the focus as a manifest by a link of the repository that was asked about, or of any. */
  readonly isFound: boolean;
  /** For a digest of another algorithm that a repository resolves by a link: what it stores the blob as. */
  readonly storedAs: number | undefined;
}

/** Reads the repositories' links once more, and asks each for what it says of the focus; their manifests have all been read. */
export async function surveyRepositories(marked: Marked, focus: number, chains: ChainCollector, below: Below): Promise<Survey> {
  const { context } = marked;
  const surveyor = new Surveyor(marked, focus, chains, below);
  const known = new Map(marked.repositories.map((repository) => [repository.name, repository]));
  for await (const listing of context.storage.repositories())
    if (listing.isRepository) await surveyor.survey(listing, known.get(listing.name));
  surveyor.surveyAnywhere();
  return surveyor;
}

class Surveyor implements Survey {
  readonly mentions: Mention[] = [];
  readonly changed: string[] = [];
  readonly faults: StorageFault[] = [];
  storedAs: number | undefined;
  isFound = false;
  readonly #bits: number;
  /** Roots, by kind and number, of which a repository's links lead to the focus. */
  readonly #told = new Set<string>();

  constructor(
    private readonly marked: Marked,
    private readonly focus: number,
    readonly chains: ChainCollector,
    readonly below: Below,
  ) {
    this.#bits = selectedBit(marked.context.policy);
  }

  readonly #addFault = (fault: StorageFault): void => {
    this.faults.push(fault);
  };

  async survey(listing: RepositoryListing, known: MarkedRepository | undefined): Promise<void> {
    const { marked, focus } = this;
    const { store, table } = marked.context;
    if (fingerprintOf(listing) !== known?.fingerprint) this.changed.push(listing.name);
    this.faults.push(...listing.faults);
    const graph = await buildGraph(marked.context, listing);
    const { repository } = this.chains.asked;
    // The registry goes by its own link there, and another repository may have linked another blob.
    if (repository === undefined || repository === graph.name) {
      this.storedAs ??= graph.links.aliases.get(focus);
      this.isFound ||= [focus, ...namesOf(graph, focus)].some((name) => findTarget(graph, name) !== undefined);
    }
    const isHeld = known?.heldBlobs !== undefined;
    const namers = findNamers(graph, store, focus);
    const live = await this.#addChains(graph, isHeld, namers);
    const isLive = (manifest: number): boolean => live.has(manifest);
    const mention = findMention(listing, graph, table, focus, namers, isLive, known?.findings ?? []);
    if (mention !== undefined) this.mentions.push(mention);
    collectBelow(this.below, repositorySpace(graph, marked.context), focus);
  }

  /** Returns those of the namers that are live, and others. */
  async #addChains(graph: RepositoryGraph, isHeld: boolean, namers: readonly Namer[]): Promise<ReadonlySet<number>> {
    const { context } = this.marked;
    const space = repositorySpace(graph, context);
    const ways = findWays(space, this.focus, this.#bits);
    // What is about the focus does not keep it, and is on no way to it: then all of the roots are looked at.
    const isAbout = namers.some(({ as }) => as === "subject");
    const isWanted = (id: number): boolean => isAbout || ways.has(id);
    const roots = Array.from(rootsOf(context, graph, isHeld)).filter(
      ({ kind, bits }) => kind !== "held" && (bits & this.#bits) !== 0,
    );
    const [subjects, others] = [roots.filter(isOfSubject), roots.filter((root) => !isOfSubject(root))];
    for (const root of others) this.#addRoot(root, graph, space, ways);
    const starts = others.flatMap(({ id }) => (isWanted(id) ? [id] : []));
    if (!isHeld && context.policy.deleteUntagged) {
      const known = reach(space, isAbout ? starts : [], this.#bits);
      const candidates = graph.links.revisions.filter((id) => ways.has(id) || (isWanted(id) && !known.has(id)));
      for (const id of await youngRevisions(context, graph, candidates, this.#addFault)) {
        addChains(this.chains, ways, space, "young-revision-link", id);
        starts.push(id);
      }
    }
    // What the repository keeps by itself is told by how it does so.
    const own = reach(space, starts, this.#bits);
    for (const { id, subject = id } of subjects) {
      starts.push(id);
      if (!own.has(subject)) addChains(this.chains, ways, space, "live-subject", id);
    }
    if (isHeld) {
      this.#addHeld(graph);
      return new Set(graph.reachability.manifests);
    }
    await this.#addYoungLayers(graph);
    return reach(space, starts, this.#bits);
  }

  #addRoot(root: Root, graph: RepositoryGraph, space: Space, ways: ReadonlyMap<number, Way>): void {
    const { id, tag } = root;
    const kind = kindOf(root, graph);
    // What it names is gone: the tag needs it all the same.
    if (id === this.focus && kind === "dangling-tag" && !this.marked.table.isStored(id))
      this.chains.add({ kind, repository: graph.name, tag }, [{ id, as: "manifest" }]);
    else if (ways.has(id)) {
      this.#told.add(`${kind} ${id}`);
      if (kind !== "young-blob" || id !== this.focus) addChains(this.chains, ways, space, kind, id, tag);
    }
  }

  /** Damage keeps every manifest of its repository, and all that its layer links name. */
  #addHeld(graph: RepositoryGraph): void {
    const space = repositorySpace(graph, this.marked.context);
    const ways = findWays(space, this.focus, HELD);
    for (const [id, { distance }] of ways) if (distance <= 1) addChains(this.chains, ways, space, "held", id);
    const { layers, aliases, damagedLayers } = graph.links;
    const names = (id: number): boolean => id === this.focus || aliases.get(id) === this.focus;
    if (layers.some(names) || damagedLayers.has(this.focus)) this.#addLink("held", graph.name);
  }

  async #addYoungLayers(graph: RepositoryGraph): Promise<void> {
    const { context } = this.marked;
    const { layers, aliases, damagedLayers } = graph.links;
    const positions = [...layers.keys()].filter((i) => (aliases.get(layers[i] ?? 0) ?? layers[i]) === this.focus);
    const damaged = damagedLayers.has(this.focus) ? [this.focus] : [];
    const young = [
      ...(await youngLayers(context, graph, positions, this.#addFault)),
      ...(await youngDamagedLayers(context, graph, damaged, this.#addFault)),
    ];
    if (young.length > 0) this.#addLink("young-layer-link", graph.name);
  }

  #addLink(kind: RootKind, repository: string): void {
    this.chains.add({ kind, repository }, [{ id: this.focus, as: "layer-link" }]);
  }

  /** What keeps the focus whatever repositories link it. */
  surveyAnywhere(): void {
    const { marked, focus } = this;
    const { table, policy } = marked.context;
    const pins = pinsAnywhere(marked.context);
    const own = { repository: undefined };
    if (pins.has(focus) && !(table.isStored(focus) && (table.marks(focus) & REVISION) !== 0))
      this.chains.add({ kind: "pin", ...own }, [{ id: focus, as: "blob" }]);
    if (table.isStored(focus) && isYoung(policy, table.modified(focus)))
      this.chains.add({ kind: "young-blob", ...own }, [{ id: focus, as: "blob" }]);
    const space = anywhereSpace(marked.anywhere, marked.context);
    const ways = findWays(space, focus, this.#bits);
    for (const id of anywhereRoots(marked)) {
      if (id === focus) continue;
      const kind = pins.has(id) ? "pin" : "young-blob";
      if (!this.#told.has(`${kind} ${id}`)) addChains(this.chains, ways, space, kind, id);
    }
    collectBelow(this.below, space, focus);
  }
}

/** Digests of other algorithms that are stored as this one. */
function namesOf({ links }: RepositoryGraph, focus: number): number[] {
  return [...links.aliases].flatMap(([name, target]) => (target === focus ? [name] : []));
}

function isOfSubject({ kind }: Root): boolean {
  return kind === "subject";
}

function kindOf({ kind, target, id }: Root, graph: RepositoryGraph): RootKind {
  if (kind === "tag") return findTarget(graph, target ?? id) === undefined ? "dangling-tag" : "tag";
  if (kind === "revision") return "revision-link";
  if (kind === "subject") return "live-subject";
  return kind === "young-manifest" ? "young-blob" : kind;
}
