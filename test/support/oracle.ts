import { createHash } from "node:crypto";
import { V2 } from "./builder.js";
import type { RegistryTree } from "./registry-tree.js";

/**
 * What is live and what is garbage, by the rules of the design alone, in the most naive way: strings, sets, and a loop that runs
 * until nothing changes. Shares no code with src/, so that the two can be held against each other.
 */
export interface OraclePolicy {
  readonly deleteUntagged: boolean;
  readonly dropDanglingTags: boolean;
  /** Seconds. */
  readonly grace: number;
  /** Seconds since 1970. */
  readonly now: number;
  readonly pins: readonly string[];
}

export interface Verdict {
  /** Digests of blobs that may go. */
  readonly blobs: readonly string[];
  /** Paths of layer links that may go though their blob is stored. */
  readonly layerLinks: readonly string[];
  /** Paths of layer links that may go, and whose blob is gone already. */
  readonly danglingLayerLinks: readonly string[];
  /** Paths of revision links that may go: only with `deleteUntagged`. */
  readonly revisions: readonly string[];
}

/** As much of a manifest as matters here: what it names. */
export interface Parsed {
  /** Config and layers. */
  readonly blobs: readonly string[];
  readonly children: readonly string[];
  readonly subject: string | undefined;
  /** What it says of the subject's size, in bytes. */
  readonly subjectSize: number | undefined;
  /** Those of all these that it names as manifests, by their media types. */
  readonly manifests: readonly string[];
  /** What it says of sizes, in bytes. */
  readonly sizes: readonly { readonly digest: string; readonly size: number | undefined }[];
}

/** A repository as its files say. */
export interface Repository {
  readonly name: string;
  readonly revisions: Map<string, { readonly path: string; readonly modified: number }>;
  /** What each layer link leads to, by what its path names; only links in order. */
  readonly layers: Map<string, { readonly path: string; readonly target: string; readonly modified: number }>;
  readonly tags: Map<string, string>;
  /** When each of these was written. */
  readonly tagTimes: Map<string, number>;
  /** What the index of each tag names. */
  readonly history: { readonly tag: string; readonly digest: string; readonly sound: boolean }[];
  /** Everything that a damaged layer link names, by path or by content, and when it was written. */
  readonly named: Map<string, number>;
  /** What damaged layer links name by their paths. */
  readonly damagedLinks: Set<string>;
  /** Revisions that have no link of their own, only another one's content. */
  readonly mismatched: Set<string>;
  held: boolean;
}

/** The manifests of a repository besides its revisions. */
export interface Manifests {
  /** Found by a layer link, as registry 2.x does. */
  readonly layerLinked: Set<string>;
  /** Found by nothing, but named by a tag, or by what a tag names; these count as long as dangling tags do. */
  readonly droppable: Set<string>;
  /** The same, by a tag that is never dropped. */
  readonly kept: Set<string>;
  /** These tags: outside the grammar, of what is pinned, or young. */
  readonly lasting: Set<string>;
}

const DIGEST = /^(?:sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128})$/;

/** A tree, read. */
export interface World {
  readonly stored: ReadonlyMap<string, { readonly content: Buffer; readonly modified: number }>;
  readonly repositories: readonly Repository[];
  /** What a stored manifest names; undefined for anything else. */
  readonly parse: (digest: string) => Parsed | undefined;
  /** The same, or all that a content mentions which nobody can read: any of that may be a manifest or a blob. */
  readonly namesOf: (digest: string) => Parsed;
  readonly manifestsOf: (repository: Repository) => Manifests;
  /** Whether nobody can tell which blob the repository means by a digest. */
  readonly isLost: (digest: string, target: string, size: number | undefined) => boolean;
  /** What a manifest of a repository says of the sizes of such digests; whether of a child. */
  readonly lostSizesOf: (
    repository: Repository,
    manifest: string,
  ) => readonly { readonly size: number; readonly isChild: boolean }[];
  /** What a manifest of a repository is about, or may be: by the repository's links, and otherwise. */
  readonly subjectsOf: (repository: Repository, manifest: string) => Subjects;
  /** Stored blobs of a size. */
  readonly ofSize: (size: number) => readonly string[];
  /** All that manifests name which nobody need link, and what that names in its turn; what cannot be read names all that it mentions. */
  readonly namedBelow: (manifests: readonly string[]) => ReadonlySet<string>;
  /** Whether those repositories that have a manifest as a revision, if there are any, keep it whatever the policy. */
  readonly isKeptAsRevision: (manifest: string) => boolean;
  /** What a digest of another algorithm may mean in a repository: what its link says, or anything linked of the same size. Nothing for others. */
  readonly meaningsOf: (repository: Repository, digest: string) => readonly string[];
  /** What the pins mean in a repository, and in any. */
  readonly pinsIn: (repository: Repository) => readonly string[];
  readonly pinsAnywhere: readonly string[];
}

/** What a manifest may be about. */
export interface Subjects {
  readonly own: readonly string[];
  readonly elsewhere: readonly string[];
  /** Nothing tells. */
  readonly isAnything: boolean;
}

/** Where a repository's layer link of that name leads to. */
export function targetOf(repository: Repository, digest: string): string {
  return repository.layers.get(digest)?.target ?? digest;
}

/** Of a tag with a history: whether that is all there is to tell what it named. A push writes the entry before the link. */
function hasLostTarget({ tags, history }: Repository, tag: string): boolean {
  return !history.some((entry) => entry.tag === tag && entry.digest === tags.get(tag));
}

export function hasLayerLink(repository: Repository, digest: string): boolean {
  return repository.layers.has(digest) || repository.damagedLinks.has(digest);
}

/** What is written after `cutoff` (seconds) is young. */
export function readWorld(tree: RegistryTree, pins: readonly string[], cutoff: number): World {
  const stored = storedBlobs(tree);
  const parsed = new Map<string, Parsed | undefined>();
  for (const [digest, { content }] of stored) parsed.set(digest, parseManifest(content, digest));
  const parse = (digest: string): Parsed | undefined => parsed.get(digest);
  const isLost = (digest: string, target: string, size: number | undefined): boolean => {
    const blob = stored.get(target);
    if (digest.startsWith("sha256:") || stored.has(digest)) return false;
    return blob === undefined || size !== blob.content.length;
  };
  const meaningsOf = ({ layers, damagedLinks }: Repository, digest: string): readonly string[] => {
    const target = layers.get(digest)?.target ?? digest;
    if (target === digest) return [];
    const bytes = stored.get(target)?.content.length ?? -1;
    return [target, ...[...layers.keys(), ...damagedLinks].filter((other) => stored.get(other)?.content.length === bytes)];
  };
  const pinsIn = (repository: Repository): readonly string[] => [...pins, ...pins.flatMap((pin) => meaningsOf(repository, pin))];
  const repositories = readRepositories(tree);
  const manifests = new Map<Repository, Manifests>();
  for (const repository of repositories) {
    settleAliases(repository, stored);
    const pinned = pinsIn(repository);
    const lasting = new Set(
      [...repository.tags].flatMap(([name, digest]) => {
        const isPinned = pinned.includes(digest) || pinned.includes(targetOf(repository, digest));
        return !isTagName(name) || isPinned || (repository.tagTimes.get(name) ?? 0) > cutoff ? [name] : [];
      }),
    );
    const found = findManifests(repository, stored, parse, pinned, lasting, (digest) => meaningsOf(repository, digest));
    manifests.set(repository, found);
    const all = [...repository.revisions.keys(), ...found.layerLinked, ...found.droppable, ...found.kept];
    if (all.some((digest) => parse(digest) === undefined)) repository.held = true;
    // A link of another algorithm leads to a blob of another size.
    const said = all.flatMap((manifest) => {
      const { sizes = [], subject: digest, subjectSize: size } = parse(manifest) ?? {};
      return digest === undefined ? sizes : [...sizes, { digest, size }];
    });
    for (const { digest, size } of said) {
      const target = targetOf(repository, digest);
      if (target !== digest && stored.has(target) && size !== undefined && isLost(digest, target, size)) repository.held = true;
    }
    // A pin may be anything that its link cannot tell any more.
    if (pins.some((pin) => !pin.startsWith("sha256:") && repository.damagedLinks.has(pin))) repository.held = true;
    // Nor can anybody tell what a tag means whose link by another algorithm is lost, or wrong.
    const resolved = [...repository.tags.values(), ...repository.history.map(({ digest }) => digest), ...pins];
    if (resolved.some((name) => isWrongAlias(repository, stored, name))) repository.held = true;
    if (
      [...repository.tags.values()].some(
        (name) => !name.startsWith("sha256:") && !stored.has(name) && !stored.has(targetOf(repository, name)),
      )
    )
      repository.held = true;
    // Outside the grammar: kept as a whole.
    if (/[A-Z]/.test(repository.name)) repository.held = true;
    // What the index shows that there was once, and what is gone now, is as bad as what is empty.
    if (repository.history.some(({ tag }) => hasLostTarget(repository, tag))) repository.held = true;
  }
  const manifestsOf = (repository: Repository): Manifests =>
    manifests.get(repository) ?? { layerLinked: new Set(), droppable: new Set(), kept: new Set(), lasting: new Set() };
  const nothing = { children: [], subject: undefined, subjectSize: undefined, manifests: [], sizes: [] };
  const namesOf = (digest: string): Parsed => parse(digest) ?? { ...nothing, blobs: mentions(stored.get(digest)?.content) };
  const pinsAnywhere = [...pins, ...repositories.flatMap(pinsIn)];
  const lostSizesOf: World["lostSizesOf"] = (repository, manifest) => {
    const { sizes, children } = namesOf(manifest);
    return sizes.flatMap(({ digest, size }) =>
      size !== undefined && isLost(digest, targetOf(repository, digest), size)
        ? [{ size, isChild: children.includes(digest) }]
        : [],
    );
  };
  const ofSize = (size: number): string[] =>
    [...stored].flatMap(([digest, { content }]) => (content.length === size ? [digest] : []));
  const anywhere = (digest: string): string[] => [
    digest,
    ...repositories.flatMap((repository) => meaningsOf(repository, digest)),
  ];
  const isKeptAsRevision = (manifest: string): boolean =>
    repositories.some(({ revisions }) => revisions.has(manifest)) &&
    (pins.includes(manifest) || (stored.get(manifest)?.modified ?? 0) > cutoff);
  const namedBelow = (starts: readonly string[]): Set<string> => {
    const below = new Set<string>();
    const reached = new Set(starts);
    for (const manifest of reached) {
      const { children, blobs, sizes } = namesOf(manifest);
      for (const one of [...children, ...blobs].flatMap(anywhere)) below.add(one);
      for (const one of (parse(manifest) === undefined ? blobs : children).flatMap(anywhere))
        if (stored.has(one)) reached.add(one);
      if (
        !isKeptAsRevision(manifest) &&
        sizes.some(({ digest, size }) => anywhere(digest).every((target) => isLost(digest, target, size)))
      )
        for (const any of stored.keys()) below.add(any);
    }
    return below;
  };
  const subjectsOf: World["subjectsOf"] = (repository, manifest) => {
    const { subject, subjectSize: size } = parse(manifest) ?? nothing;
    if (subject === undefined) return { own: [], elsewhere: [], isAnything: false };
    const own = [subject, ...meaningsOf(repository, subject)];
    if (!isLost(subject, targetOf(repository, subject), size)) return { own, elsewhere: [], isAnything: false };
    // Other repositories may tell what it is stored as; where none does, its size is left.
    const elsewhere = repositories.flatMap((other) => meaningsOf(other, subject));
    if (elsewhere.some((target) => !isLost(subject, target, size))) return { own, elsewhere, isAnything: false };
    return { own, elsewhere: [...elsewhere, ...(size === undefined ? [] : ofSize(size))], isAnything: size === undefined };
  };
  return {
    stored,
    repositories,
    parse,
    namesOf,
    manifestsOf,
    subjectsOf,
    isLost,
    lostSizesOf,
    ofSize,
    namedBelow,
    isKeptAsRevision,
    meaningsOf,
    pinsIn,
    pinsAnywhere,
  };
}

/** Two links cannot both be right that say the same of two blobs, nor one that says of a stored blob that it is another. */
function settleAliases(repository: Repository, stored: World["stored"]): void {
  const aliases = [...repository.layers].filter(([digest, { target }]) => digest !== target);
  for (const [digest, { target, modified }] of aliases) {
    const algorithm = digest.slice(0, 7);
    const same = aliases.filter(([other, link]) => link.target === target && other.startsWith(algorithm));
    if (!stored.has(digest) && same.length === 1) continue;
    repository.layers.delete(digest);
    repository.damagedLinks.add(digest);
    repository.named.set(digest, modified).set(target, modified);
    repository.held = true;
  }
}

/** Whether a link by another algorithm leads to a sound content that may be a manifest, and is not what the link's name says. */
function isWrongAlias(repository: Repository, stored: World["stored"], name: string): boolean {
  const target = targetOf(repository, name);
  const content = stored.get(target)?.content;
  if (target === name || content === undefined || content.length > 4 * 1024 ** 2) return false;
  return digestOf(content, target) === target && digestOf(content, name) !== name;
}

function findManifests(
  repository: Repository,
  stored: World["stored"],
  parse: World["parse"],
  pins: readonly string[],
  lasting: Set<string>,
  meaningsOf: (digest: string) => readonly string[],
): Manifests {
  const { revisions, tags, history } = repository;
  const layerLinked = new Set<string>();
  const droppable = new Set<string>();
  const kept = new Set<string>();
  const isOther = (digest: string): boolean => {
    const target = targetOf(repository, digest);
    return !revisions.has(digest) && !revisions.has(target) && stored.has(target);
  };
  // Corrupt: nobody knows what it was.
  const isManifest = (digest: string): boolean => {
    const content = stored.get(digest)?.content;
    return parse(digest) !== undefined || (content !== undefined && digestOf(content, digest) !== digest);
  };
  const addTagged = (digest: string, others: Set<string>): void => {
    if (isOther(digest)) (hasLayerLink(repository, digest) ? layerLinked : others).add(targetOf(repository, digest));
  };
  for (const [name, digest] of tags) addTagged(digest, lasting.has(name) ? kept : droppable);
  for (const { tag, digest, sound } of history) {
    if (hasLostTarget(repository, tag)) addTagged(digest, droppable);
    else if (sound && isOther(digest) && hasLayerLink(repository, digest) && isManifest(targetOf(repository, digest)))
      layerLinked.add(targetOf(repository, digest));
  }
  for (const pin of pins) {
    if (isOther(pin) && repository.layers.has(pin) && parse(targetOf(repository, pin)) !== undefined)
      layerLinked.add(targetOf(repository, pin));
  }
  for (let before = -1; before !== layerLinked.size + droppable.size + kept.size;) {
    before = layerLinked.size + droppable.size + kept.size;
    for (const manifest of [...revisions.keys(), ...layerLinked, ...kept, ...droppable]) {
      for (const named of (parse(manifest)?.manifests ?? []).flatMap((one) => [one, ...meaningsOf(one)])) {
        const target = targetOf(repository, named);
        if (!isOther(named) || !isManifest(target)) continue;
        if (hasLayerLink(repository, named)) layerLinked.add(target);
        else if (kept.has(manifest)) kept.add(target);
        else if (droppable.has(manifest)) droppable.add(target);
      }
    }
  }
  for (const digest of [...kept, ...layerLinked]) droppable.delete(digest);
  return { layerLinked, droppable, kept, lasting };
}

/** What tags named before they named what they name now; not those that dangle where these are dropped. */
export function formerOf(repository: Repository, manifests: Manifests, dropDanglingTags: boolean): readonly string[] {
  const { history, tags } = repository;
  const isDropped = (tag: string): boolean =>
    dropDanglingTags && !manifests.lasting.has(tag) && !isFound(repository, manifests, tags.get(tag) ?? "");
  const former = history.filter(
    ({ tag, digest, sound }) => sound && !hasLostTarget(repository, tag) && tags.get(tag) !== digest && !isDropped(tag),
  );
  return former.map(({ digest }) => digest);
}

/** Whether a link leads to what a tag names. */
export function isFound(repository: Repository, { layerLinked }: Manifests, digest: string): boolean {
  const { revisions, mismatched } = repository;
  const target = targetOf(repository, digest);
  return (
    (revisions.has(digest) && !mismatched.has(digest)) ||
    (hasLayerLink(repository, digest) && (layerLinked.has(target) || revisions.has(target)))
  );
}

function isTagName(name: string): boolean {
  return /^\w[\w.-]*$/.test(name);
}

export function judge(tree: RegistryTree, policy: OraclePolicy): Verdict {
  return judgeWith(tree, policy, undefined);
}

/** What would be garbage without what damage holds: but what is about that in sound repositories stays. */
export function judgeMended(tree: RegistryTree, policy: OraclePolicy): Verdict {
  return judgeWith(tree, policy, new Set(judge(tree, policy).blobs));
}

/** `unheld` is what is garbage although damage holds all that it does; where that is given, it holds nothing. */
function judgeWith(tree: RegistryTree, policy: OraclePolicy, unheld: ReadonlySet<string> | undefined): Verdict {
  const world = readWorld(tree, policy.pins, policy.now - policy.grace);
  const { stored, repositories, parse, namesOf, manifestsOf, isLost, meaningsOf, pinsIn, pinsAnywhere } = world;
  const { lostSizesOf, ofSize, namedBelow, isKeptAsRevision, subjectsOf } = world;
  const isYoung = (modified: number): boolean => modified > policy.now - policy.grace;
  const live = new Set<string>();
  const usedLinks = new Set<string>();
  const liveRevisions = new Map(repositories.map((repository) => [repository, new Set<string>()]));

  const isRevision = (digest: string): boolean => repositories.some(({ revisions }) => revisions.has(digest));
  // Within each repository: what its roots reach. What is about a manifest of others follows them, so until nothing changes any more.
  const round = (repository: Repository): void => {
    const alive = liveRevisions.get(repository) ?? new Set<string>();
    const isHeld = repository.held && unheld === undefined;
    const isLive = (subject: string): boolean => {
      if (!stored.has(subject)) return isRevision(subject) && (!repository.held || isHeld);
      return unheld === undefined || repository.held ? live.has(subject) : !unheld.has(subject);
    };
    const manifests = manifestsOf(repository);
    const { layerLinked, droppable, kept } = manifests;
    const others = [...layerLinked, ...kept, ...(policy.dropDanglingTags && !isHeld ? [] : droppable)];
    const here = new Set([...repository.revisions.keys(), ...others]);
    // Not what a layer link alone finds.
    const referrers = [...here].filter((digest) => !layerLinked.has(digest));
    for (const digest of referrers) {
      const { own, elsewhere, isAnything } = subjectsOf(repository, digest);
      if (isAnything || [...own, ...elsewhere].some(isLive)) alive.add(digest);
    }
    const manifestOf = (digest: string): string => (here.has(digest) ? digest : targetOf(repository, digest));
    for (const target of repository.tags.values()) if (here.has(manifestOf(target))) alive.add(manifestOf(target));
    for (const digest of formerOf(repository, manifests, policy.dropDanglingTags))
      if (!policy.deleteUntagged && layerLinked.has(manifestOf(digest))) alive.add(manifestOf(digest));
    const pins = pinsIn(repository);
    for (const digest of here) if (pins.includes(digest) || isHeld) alive.add(digest);
    for (const [digest, { modified }] of repository.revisions) {
      const blobTime = stored.get(digest)?.modified;
      // Of what is held back no link is asked how old it is.
      const young = (isYoung(modified) && !repository.held) || (blobTime !== undefined && isYoung(blobTime));
      if (!policy.deleteUntagged || young) alive.add(digest);
    }
    for (let before = -1; before !== alive.size;) {
      before = alive.size;
      for (const digest of alive) {
        // Children, or whatever else is a manifest here.
        const { children, blobs } = namesOf(digest);
        for (const named of [...children, ...blobs])
          for (const one of [manifestOf(named), ...meaningsOf(repository, named)]) if (here.has(one)) alive.add(one);
        for (const { size } of lostSizesOf(repository, digest)) for (const one of ofSize(size)) if (here.has(one)) alive.add(one);
      }
      for (const digest of referrers) if (subjectsOf(repository, digest).own.some((one) => alive.has(one))) alive.add(digest);
    }
    for (const digest of alive) {
      live.add(digest);
      const manifest = namesOf(digest);
      // An index may name layers instead of manifests; and a manifest may be linked among the layers, as 2.1.0 did.
      for (const named of [digest, ...manifest.children, ...manifest.blobs]) {
        for (const used of [named, ...meaningsOf(repository, named)]) {
          live.add(used);
          const link = repository.layers.get(used);
          if (link !== undefined) usedLinks.add(link.path);
        }
      }
      // Nor does anything else tell what its subject is.
      const about = repository.layers.get(manifest.subject ?? "");
      if (about !== undefined && about.target !== manifest.subject) usedLinks.add(about.path);
      // Nobody can tell what it means, but its size.
      for (const { size, isChild } of lostSizesOf(repository, digest))
        for (const one of [...ofSize(size), ...(isChild ? namedBelow(ofSize(size)) : [])]) live.add(one);
      // And all that the repository links.
      if (!(manifest?.sizes ?? []).some((one) => isLost(one.digest, targetOf(repository, one.digest), one.size))) continue;
      for (const { path, target } of repository.layers.values()) {
        live.add(target);
        usedLinks.add(path);
      }
      for (const named of repository.named.keys()) live.add(named);
    }
    // A tag may name its manifest by another algorithm.
    for (const digest of [...repository.tags.values(), ...repository.history.map((entry) => entry.digest)]) {
      const link = repository.layers.get(digest);
      if (link !== undefined && alive.has(link.target)) usedLinks.add(link.path);
    }
    // Nobody gets what is pinned without its link, and nothing else tells what a pin by another algorithm means.
    for (const pin of policy.pins) {
      const link = repository.layers.get(pin);
      if (link !== undefined) usedLinks.add(link.path);
    }
    for (const { path, target, modified } of repository.layers.values()) {
      if (repository.held ? !isHeld : !isYoung(modified)) continue;
      live.add(target);
      usedLinks.add(path);
    }
    for (const [digest, modified] of repository.named) if (repository.held ? isHeld : isYoung(modified)) live.add(digest);
  };

  // Manifests that are pinned or young: with all that they reach, wherever that is.
  const reached = new Set<string>();
  /** What somebody takes for a manifest. */
  const claimed = new Set(pinsAnywhere);
  for (const [digest, { modified }] of stored) {
    if (claimed.has(digest) || isYoung(modified)) live.add(digest);
    if (claimed.has(digest) || isYoung(modified)) reached.add(digest);
  }
  const targetsOf = (digest: string): string[] => repositories.flatMap((repository) => meaningsOf(repository, digest));
  for (const digest of reached) {
    live.add(digest);
    if (parse(digest) === undefined && !claimed.has(digest)) continue;
    const { children, blobs, sizes } = namesOf(digest);
    // What cannot be read may name anything.
    for (const named of [...children, ...(parse(digest) === undefined ? blobs : [])])
      for (const one of [named, ...targetsOf(named)]) {
        // One that was met as a young blob is looked at again.
        if (!claimed.has(one)) reached.delete(one);
        reached.add(one);
        claimed.add(one);
      }
    for (const blob of blobs) for (const one of [blob, ...targetsOf(blob)]) live.add(one);
    // Where a repository has it as a revision, and keeps it for sure, that repository's links are all that it may mean.
    for (const one of isKeptAsRevision(digest) ? [] : sizes)
      if ([one.digest, ...targetsOf(one.digest)].every((target) => isLost(one.digest, target, one.size)))
        for (const any of stored.keys()) live.add(any);
  }

  for (let before = -1; before !== live.size + usedLinks.size;) {
    before = live.size + usedLinks.size;
    for (const repository of repositories) round(repository);
  }

  const unusedLinks = repositories.flatMap(({ layers }) => [...layers.values()]).filter(({ path }) => !usedLinks.has(path));
  const pathsOf = (links: typeof unusedLinks): string[] => links.map(({ path }) => path).sort();
  return {
    blobs: [...stored]
      .filter(([digest]) => !live.has(digest))
      .map(([digest]) => digest)
      .sort(),
    layerLinks: pathsOf(unusedLinks.filter(({ target }) => stored.has(target))),
    danglingLayerLinks: pathsOf(unusedLinks.filter(({ target }) => !stored.has(target))),
    revisions: repositories
      .flatMap((repository) =>
        [...repository.revisions].filter(([digest]) => liveRevisions.get(repository)?.has(digest) !== true),
      )
      .map(([, { path }]) => path)
      .sort(),
  };
}

function storedBlobs(tree: RegistryTree): Map<string, { readonly content: Buffer; readonly modified: number }> {
  const blobs = new Map<string, { content: Buffer; modified: number }>();
  for (const [file, { content, modified }] of tree.below(`${V2}/blobs`)) {
    const [algorithm = "", prefix = "", hex = "", name] = file.split("/");
    if (DIGEST.test(`${algorithm}:${hex}`) && hex.startsWith(prefix) && name === "data")
      blobs.set(`${algorithm}:${hex}`, { content, modified });
  }
  return blobs;
}

function readRepositories(tree: RegistryTree): Repository[] {
  const repositories = new Map<string, Repository>();
  for (const [file, { content, modified }] of tree.below(`${V2}/repositories`)) {
    const parts = file.split("/");
    const own = parts.findIndex((part) => part.startsWith("_"));
    if (own < 1) continue;
    const name = parts.slice(0, own).join("/");
    const known = repositories.get(name);
    const repository = known ?? {
      name,
      revisions: new Map(),
      layers: new Map(),
      tags: new Map(),
      tagTimes: new Map(),
      history: [],
      named: new Map(),
      damagedLinks: new Set(),
      mismatched: new Set(),
      held: false,
    };
    repositories.set(name, repository);
    readFile(repository, parts.slice(own).join("/"), `${V2}/repositories/${file}`, content.toString("latin1"), modified);
  }
  for (const { revisions, mismatched } of repositories.values())
    for (const [digest, { path }] of revisions) if (!path.includes(digest.replace(":", "/"))) mismatched.add(digest);
  return [...repositories.values()];
}

function readFile(repository: Repository, file: string, path: string, content: string, modified: number): void {
  const revision = /^_manifests\/revisions\/(\w+)\/(\w+)\/link$/.exec(file);
  const layer = /^_layers\/(\w+)\/(\w+)\/link$/.exec(file);
  const current = /^_manifests\/tags\/([^/]+)\/current\/link$/.exec(file);
  const index = /^_manifests\/tags\/([^/]+)\/index\/(\w+)\/(\w+)\/link$/.exec(file);
  const named = (match: RegExpExecArray): string => `${match.at(-2) ?? ""}:${match.at(-1) ?? ""}`;
  if (current !== null) {
    repository.tagTimes.set(current[1] ?? "", modified);
    if (DIGEST.test(content)) repository.tags.set(current[1] ?? "", content);
    else repository.held = true;
  } else if (revision !== null && DIGEST.test(named(revision))) {
    const digest = named(revision);
    repository.revisions.set(digest, { path, modified });
    if (content === digest) return;
    repository.held = true;
    if (DIGEST.test(content) && !repository.revisions.has(content)) repository.revisions.set(content, { path, modified });
  } else if (layer !== null && DIGEST.test(named(layer))) {
    const digest = named(layer);
    const isAlias = !digest.startsWith("sha256:") && /^sha256:[0-9a-f]{64}$/.test(content);
    if (content === digest || isAlias) {
      repository.layers.set(digest, { path, target: content, modified });
      return;
    }
    repository.named.set(digest, modified);
    repository.damagedLinks.add(digest);
    if (!DIGEST.test(content)) return;
    // It names two digests: which of them the repository needs, nobody can tell.
    repository.named.set(content, modified);
    repository.held = true;
  } else if (index !== null && DIGEST.test(named(index))) {
    repository.history.push({ tag: index[1] ?? "", digest: named(index), sound: content === named(index) });
    if (content !== named(index)) repository.held = true;
  }
}

interface DescriptorJson {
  readonly digest: string;
  readonly mediaType?: string;
  readonly size?: number;
}

/** As much of a manifest as matters here. */
interface ManifestJson {
  readonly mediaType?: string;
  readonly config?: DescriptorJson;
  readonly layers?: readonly DescriptorJson[];
  readonly manifests?: readonly DescriptorJson[];
  readonly blobs?: readonly DescriptorJson[];
  readonly fsLayers?: readonly { readonly blobSum: string }[];
  readonly subject?: DescriptorJson;
}

/** Every digest in a content that nobody can read. */
function mentions(content: Buffer | undefined): string[] {
  return content?.toString("latin1").match(/sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128}/g) ?? [];
}

/** References of a sound manifest; undefined for anything else. */
function parseManifest(content: Buffer, digest: string): Parsed | undefined {
  if (digestOf(content, digest) !== digest) return undefined;
  let json: ManifestJson;
  try {
    // Random registries hold manifests of our own, or no JSON at all.
    json = JSON.parse(content.toString()) as ManifestJson;
  } catch {
    return undefined;
  }
  if (json.mediaType === "text/html") return undefined;
  const { config, layers, manifests, blobs, fsLayers, subject } = json;
  const digests = (descriptors: readonly DescriptorJson[]): string[] => descriptors.map((one) => one.digest);
  const has = ({ mediaType = "" }: DescriptorJson, words: readonly string[]): boolean =>
    mediaType.split(/[./+]/).some((part) => words.includes(part));
  const parsed = (of: readonly DescriptorJson[], children: readonly DescriptorJson[]): Parsed => ({
    blobs: digests(of),
    children: digests(children),
    subject: subject?.digest,
    subjectSize: subject?.size === 0 ? undefined : subject?.size,
    manifests: digests([
      ...children.filter((one) => !has(one, ["layer", "rootfs", "config"])),
      ...of.filter((one) => has(one, ["manifest", "index"])),
    ]),
    // To a registry, a size of zero and none are the same: neither says anything of the blob.
    sizes: [...of, ...children].map(({ digest: named, size }) => ({ digest: named, size: size === 0 ? undefined : size })),
  });
  if (fsLayers !== undefined)
    return parsed(
      fsLayers.map(({ blobSum }) => ({ digest: blobSum })),
      [],
    );
  if (blobs !== undefined) return parsed(blobs, []);
  if (manifests !== undefined) return parsed([], manifests);
  return config === undefined || layers === undefined ? undefined : parsed([config, ...layers], []);
}

/** The digest of a content, by the algorithm of another one. */
function digestOf(content: Buffer, like: string): string {
  const [algorithm = ""] = like.split(":");
  return `${algorithm}:${createHash(algorithm).update(content).digest("hex")}`;
}
