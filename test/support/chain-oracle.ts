import type { RegistryTree } from "./registry-tree.js";
import { formerOf, isFound, judge, judgeMended, readWorld, targetOf } from "./oracle.js";
import type { OraclePolicy, Repository, Subjects, World } from "./oracle.js";

/**
 * What keeps a digest, by the rules of the design alone: every root, and the length of the shortest chain from it, found by walking
 * forward from each root through plain lists of edges. Shares no code with src/.
 */
export interface ExpectedChain {
  readonly kind: string;
  readonly repository: string | undefined;
  readonly tag: string | undefined;
  /** What the root names. */
  readonly start: string;
  /** Number of steps, the first being what the root names. */
  readonly length: number;
}

/** Manifests among which liveness flows, and what each of them keeps. */
class Edges {
  /** What a manifest keeps alive as manifests. */
  readonly manifests = new Map<string, string[]>();
  /** What it keeps in the storage. */
  readonly blobs = new Map<string, string[]>();

  /** Whether the one keeps the other. */
  has(from: string, to: string): boolean {
    return [...(this.manifests.get(from) ?? []), ...(this.blobs.get(from) ?? [])].includes(to);
  }

  /** Steps on the shortest way, one for the start; undefined where there is none. */
  distance(start: string, goal: string): number | undefined {
    if (!this.manifests.has(start)) return undefined;
    const seen = new Set([start]);
    for (let level = [start], length = 1; level.length > 0; length++) {
      if (level.includes(goal)) return length;
      const next: string[] = [];
      for (const manifest of level) {
        if (this.blobs.get(manifest)?.includes(goal) === true) next.push(goal);
        for (const kept of this.manifests.get(manifest) ?? []) if (!seen.has(kept)) next.push(kept);
      }
      for (const one of next) seen.add(one);
      level = [...new Set(next)];
    }
    return undefined;
  }

  /** Everything that lies below a manifest. */
  below(start: string): Set<string> {
    const reached = new Set<string>();
    const pending = this.manifests.has(start) ? [start] : [];
    for (let one = pending.pop(); one !== undefined; one = pending.pop()) {
      for (const blob of this.blobs.get(one) ?? []) reached.add(blob);
      for (const kept of this.manifests.get(one) ?? []) {
        if (reached.has(`manifest ${kept}`)) continue;
        reached.add(kept).add(`manifest ${kept}`);
        pending.push(kept);
      }
    }
    return new Set([...reached].filter((one) => !one.startsWith("manifest ") && one !== start));
  }
}

export class ChainOracle {
  readonly world: World;
  /** With what damage holds, and without. */
  readonly #garbage = new Map<boolean, ReadonlySet<string>>();

  constructor(
    private readonly tree: RegistryTree,
    private readonly policy: OraclePolicy,
  ) {
    this.world = readWorld(tree, policy.pins, policy.now - policy.grace);
  }

  #isYoung(modified: number | undefined): boolean {
    return modified !== undefined && modified > this.policy.now - this.policy.grace;
  }

  #youngBlob(digest: string): boolean {
    return this.#isYoung(this.world.stored.get(digest)?.modified);
  }

  /** A repository's edges; those of dropped dangling tags only where damage holds it or `all` are asked for. */
  edgesOf(repository: Repository, all = false): Edges {
    const { namesOf, lostSizesOf, ofSize, namedBelow, subjectsOf } = this.world;
    const { layerLinked, kept, droppable } = this.world.manifestsOf(repository);
    const others = [...layerLinked, ...kept, ...(this.policy.dropDanglingTags && !all ? [] : droppable)];
    const manifests = new Set([...repository.revisions.keys(), ...others]);
    const manifestOf = (digest: string): string => (manifests.has(digest) ? digest : targetOf(repository, digest));
    const edges = new Edges();
    for (const digest of manifests) {
      const { blobs, children, sizes } = namesOf(digest);
      const named = [...children, ...blobs];
      const referrers = [...manifests].filter(
        (other) => !layerLinked.has(other) && subjectsOf(repository, other).own.includes(digest),
      );
      const meant = named.flatMap((other) => this.world.meaningsOf(repository, other));
      const lost = lostSizesOf(repository, digest);
      const sameSize = lost.flatMap(({ size }) => ofSize(size));
      edges.manifests.set(digest, [
        ...[...named.map(manifestOf), ...meant, ...sameSize].filter((other) => manifests.has(other)),
        ...referrers,
      ]);
      const isLost = sizes.some((one) => this.world.isLost(one.digest, targetOf(repository, one.digest), one.size));
      const linked = [...repository.layers.values()].map(({ target }) => target);
      edges.blobs.set(digest, [
        ...named.map((other) => targetOf(repository, other)),
        ...meant,
        ...sameSize,
        ...lost.flatMap(({ size, isChild }) => (isChild ? [...namedBelow(ofSize(size))] : [])),
        ...(isLost ? [...linked, ...repository.named.keys()] : []),
      ]);
    }
    return edges;
  }

  /** Manifests that keep what they refer to wherever that is: pinned or young ones, with their children. */
  edgesAnywhere(): Edges {
    const { stored, repositories, parse } = this.world;
    const isRoot = (digest: string): boolean => this.world.pinsAnywhere.includes(digest) || this.#youngBlob(digest);
    const reached = new Set([...stored.keys()].filter(isRoot));
    const targetsOf = (digest: string): string[] => [
      digest,
      ...repositories.flatMap((repository) => this.world.meaningsOf(repository, digest)),
    ];
    /** What somebody takes for a manifest: what of these nobody can read may name all that it mentions. */
    const claimed = new Set(this.world.pinsAnywhere);
    const manifestsIn = (digest: string): readonly string[] =>
      parse(digest)?.children ?? (claimed.has(digest) ? this.world.namesOf(digest).blobs : []);
    for (const digest of reached)
      for (const child of manifestsIn(digest).flatMap(targetsOf)) {
        if (!stored.has(child)) continue;
        if (!claimed.has(child)) reached.delete(child);
        reached.add(child);
        claimed.add(child);
      }
    const edges = new Edges();
    const isManifest = (digest: string): boolean => reached.has(digest) && (parse(digest) !== undefined || claimed.has(digest));
    for (const digest of reached) {
      if (!isManifest(digest)) continue;
      const manifest = this.world.namesOf(digest);
      edges.manifests.set(digest, manifestsIn(digest).flatMap(targetsOf).filter(isManifest));
      const isLost = (this.world.isKeptAsRevision(digest) ? [] : manifest.sizes).some((one) =>
        targetsOf(one.digest).every((target) => this.world.isLost(one.digest, target, one.size)),
      );
      const named = [...manifest.children, ...manifest.blobs].flatMap(targetsOf);
      edges.blobs.set(digest, [...named, ...(isLost ? stored.keys() : [])]);
    }
    return edges;
  }

  /** Edges of everything, by repository; those that belong to none under no name. */
  allEdges(): Map<string | undefined, Edges> {
    const edges = new Map<string | undefined, Edges>([[undefined, this.edgesAnywhere()]]);
    for (const repository of this.world.repositories) edges.set(repository.name, this.edgesOf(repository, repository.held));
    return edges;
  }

  /** What is about another manifest. */
  #referrers(repository: Repository): (Subjects & { readonly start: string })[] {
    const { layerLinked } = this.world.manifestsOf(repository);
    return [...this.edgesOf(repository, true).manifests.keys()].flatMap((start) =>
      layerLinked.has(start) ? [] : [{ start, ...this.world.subjectsOf(repository, start) }],
    );
  }

  /** Whether one of these is what something else is about. */
  isSubjectElsewhere(digests: ReadonlySet<string>): boolean {
    return this.world.repositories.some((repository) =>
      this.#referrers(repository).some(
        ({ start, own, elsewhere }) => !digests.has(start) && [...own, ...elsewhere].some((one) => digests.has(one)),
      ),
    );
  }

  /** Whether a manifest lives, for what is about it in this repository: if damage holds that, what damage holds is no more alive than it is. */
  #isLive(subject: string, { held }: Repository): boolean {
    const isRevision = this.world.repositories.some(({ revisions }) => revisions.has(subject));
    if (!this.world.stored.has(subject)) return isRevision && !held;
    const garbage = this.#garbage.get(held) ?? new Set((held ? judgeMended : judge)(this.tree, this.policy).blobs);
    this.#garbage.set(held, garbage);
    return !garbage.has(subject);
  }

  /** Whether a manifest is live in a repository. One of a tag that is dropped is none there, though what is live may keep its blob. */
  isLiveIn(name: string, manifest: string): boolean {
    const repository = this.world.repositories.find((one) => one.name === name);
    if (repository === undefined) return false;
    const isYoung = repository.revisions.has(manifest) && this.#youngBlob(manifest);
    const kinds = this.#inRepository(repository, manifest).map(({ kind }) => kind);
    const isManifest = this.edgesOf(repository, repository.held).manifests.has(manifest);
    return repository.held || isYoung || (isManifest && kinds.some((kind) => kind !== "young-layer-link"));
  }

  /** Whether a registry finds it as a manifest in any repository, under whatever name. */
  isFound(digest: string): boolean {
    return this.world.repositories.some((repository) => {
      const names = [...repository.layers].flatMap(([name, { target }]) => (target === digest ? [name] : []));
      return [digest, ...names].some((name) => isFound(repository, this.world.manifestsOf(repository), name));
    });
  }

  chains(focus: string): ExpectedChain[] {
    const { repositories, stored, pinsAnywhere } = this.world;
    const chains = repositories.flatMap((repository) => this.#inRepository(repository, focus));
    const global = (kind: string, start: string, length: number): void => {
      chains.push({ kind, repository: undefined, tag: undefined, start, length });
    };
    // A pin keeps what no repository has as a revision by itself, whatever tags dangle.
    const isRevision = (digest: string): boolean => repositories.some(({ revisions }) => revisions.has(digest));
    if (pinsAnywhere.includes(focus) && !(stored.has(focus) && isRevision(focus))) global("pin", focus, 1);
    if (this.#youngBlob(focus)) global("young-blob", focus, 1);
    const edges = this.edgesAnywhere();
    for (const start of edges.manifests.keys()) {
      const isPinned = pinsAnywhere.includes(start);
      const length = edges.distance(start, focus);
      if (start === focus || length === undefined || !(isPinned || this.#youngBlob(start))) continue;
      const kind = isPinned ? "pin" : "young-blob";
      // What a repository's links lead to is told with these.
      if (!chains.some((chain) => chain.kind === kind && chain.start === start)) global(kind, start, length);
    }
    return chains;
  }

  #inRepository(repository: Repository, focus: string): ExpectedChain[] {
    const { revisions, tags, layers, named, name, held } = repository;
    const manifests = this.world.manifestsOf(repository);
    const { layerLinked } = manifests;
    const { deleteUntagged, dropDanglingTags } = this.policy;
    const chains: ExpectedChain[] = [];
    const edges = this.edgesOf(repository);
    const add = (kind: string, start: string, length: number | undefined, tag?: string): void => {
      roots.add(start);
      if (length !== undefined) chains.push({ kind, repository: name, tag, start, length });
    };
    const roots = new Set<string>();
    for (const [tag, digest] of tags) {
      const start = edges.manifests.has(digest) ? digest : targetOf(repository, digest);
      const isGone = !revisions.has(start) && !this.world.stored.has(start);
      add(
        isFound(repository, manifests, digest) ? "tag" : "dangling-tag",
        start,
        isGone ? (start === focus ? 1 : undefined) : edges.distance(start, focus),
        tag,
      );
    }
    for (const [start, { modified }] of revisions) {
      if (!deleteUntagged) add("revision-link", start, edges.distance(start, focus));
      if (this.#youngBlob(start)) add("young-blob", start, start === focus ? undefined : edges.distance(start, focus));
      if (deleteUntagged && !held && this.#isYoung(modified)) add("young-revision-link", start, edges.distance(start, focus));
    }
    const former = new Set(formerOf(repository, manifests, dropDanglingTags).map((digest) => targetOf(repository, digest)));
    if (!deleteUntagged)
      for (const start of former) if (layerLinked.has(start)) add("layer-linked", start, edges.distance(start, focus));
    for (const start of new Set(this.world.pinsIn(repository))) add("pin", start, edges.distance(start, focus));
    const own = [...roots].filter((start) => edges.manifests.has(start));
    const isOwn = (one: string): boolean =>
      edges.manifests.has(one) && own.some((root) => edges.distance(root, one) !== undefined);
    const isLive = (one: string): boolean => this.#isLive(one, repository);
    for (const { start, own: subjects, elsewhere, isAnything } of this.#referrers(repository)) {
      if (!edges.manifests.has(start)) continue;
      // What the repository keeps by itself is told by how it does so.
      const isByLost = (isAnything || elsewhere.some(isLive)) && !isOwn(start);
      if (isByLost || subjects.some((one) => isLive(one) && !isOwn(one)))
        add("live-subject", start, edges.distance(start, focus));
    }
    const links = [...layers.values()].filter(({ target }) => target === focus);
    if (held) {
      const every = this.edgesOf(repository, true);
      for (const start of every.manifests.keys()) {
        const length = every.distance(start, focus);
        if (length !== undefined && length <= 2) add("held", start, length);
      }
      if (links.length > 0 || layers.has(focus) || named.has(focus)) add("held", focus, 1);
    } else if (links.some(({ modified }) => this.#isYoung(modified)) || this.#isYoung(named.get(focus)))
      add("young-layer-link", focus, 1);
    return chains;
  }
}
