import { sha256, V2 } from "./builder.js";
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
}

/** A repository as its files say. */
export interface Repository {
  readonly name: string;
  readonly revisions: Map<string, { readonly path: string; readonly modified: number }>;
  /** What each layer link leads to, by what its path names; only links in order. */
  readonly layers: Map<string, { readonly path: string; readonly target: string; readonly modified: number }>;
  readonly tags: Map<string, string>;
  /** Everything that a damaged layer link names, by path or by content, and when it was written. */
  readonly named: Map<string, number>;
  held: boolean;
}

const DIGEST = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;

/** A tree, read. */
export interface World {
  readonly stored: ReadonlyMap<string, { readonly content: Buffer; readonly modified: number }>;
  readonly repositories: readonly Repository[];
  /** What a stored manifest names; undefined for anything else. */
  readonly parse: (digest: string) => Parsed | undefined;
  /** The same, or all that a content mentions which nobody can read: any of that may be a manifest or a blob. */
  readonly namesOf: (digest: string) => Parsed;
}

export function readWorld(tree: RegistryTree): World {
  const stored = storedBlobs(tree);
  const parse = (digest: string): Parsed | undefined => {
    const blob = stored.get(digest);
    return blob === undefined ? undefined : parseManifest(blob.content, digest);
  };
  const repositories = readRepositories(tree);
  for (const repository of repositories) {
    const manifests = [...repository.revisions.keys(), ...[...repository.tags.values()].filter((digest) => stored.has(digest))];
    if (manifests.some((digest) => parse(digest) === undefined)) repository.held = true;
    // Outside the grammar: kept as a whole.
    if (/[A-Z]/.test(repository.name)) repository.held = true;
  }
  const namesOf = (digest: string): Parsed =>
    parse(digest) ?? { children: [], blobs: mentions(stored.get(digest)?.content), subject: undefined };
  return { stored, repositories, parse, namesOf };
}

/** A tag outside the grammar is kept, whatever the policy, and with it what it needs. */
export function isKeptTag(name: string, { dropDanglingTags }: OraclePolicy): boolean {
  return !dropDanglingTags || !/^\w[\w.-]*$/.test(name);
}

export function judge(tree: RegistryTree, policy: OraclePolicy): Verdict {
  const { stored, repositories, parse, namesOf } = readWorld(tree);
  const isYoung = (modified: number): boolean => modified > policy.now - policy.grace;
  const live = new Set<string>();
  const usedLinks = new Set<string>();
  const liveRevisions = new Map(repositories.map((repository) => [repository, new Set<string>()]));

  // Within each repository: what its roots reach.
  for (const repository of repositories) {
    const alive = liveRevisions.get(repository) ?? new Set<string>();
    const isManifestHere = (digest: string): boolean =>
      repository.revisions.has(digest) ||
      (stored.has(digest) && [...repository.tags].some(([name, target]) => target === digest && isKeptTag(name, policy)));
    for (const target of repository.tags.values()) if (isManifestHere(target)) alive.add(target);
    for (const [digest, { modified }] of repository.revisions) {
      const blobTime = stored.get(digest)?.modified;
      const young = isYoung(modified) || (blobTime !== undefined && isYoung(blobTime));
      if (!policy.deleteUntagged || young || policy.pins.includes(digest) || repository.held) alive.add(digest);
    }
    if (repository.held) for (const target of repository.tags.values()) if (stored.has(target)) alive.add(target);
    for (let before = -1; before !== alive.size;) {
      before = alive.size;
      for (const digest of alive) {
        // Children, or whatever else is a manifest here.
        const { children, blobs } = namesOf(digest);
        for (const named of [...children, ...blobs]) if (isManifestHere(named)) alive.add(named);
      }
      for (const digest of [...repository.revisions.keys(), ...repository.tags.values()]) {
        const subject = isManifestHere(digest) ? parse(digest)?.subject : undefined;
        if (subject !== undefined && alive.has(subject)) alive.add(digest);
      }
    }
    for (const digest of alive) {
      live.add(digest);
      const manifest = namesOf(digest);
      // An index may name layers instead of manifests; and a manifest may be linked among the layers, as 2.1.0 did.
      for (const named of [digest, ...manifest.children, ...manifest.blobs]) {
        live.add(named);
        const target = repository.layers.get(named)?.target ?? named;
        live.add(target);
        for (const used of [named, target]) {
          const link = repository.layers.get(used);
          if (link !== undefined) usedLinks.add(link.path);
        }
      }
    }
    for (const { path, target, modified } of repository.layers.values()) {
      if (!isYoung(modified) && !repository.held) continue;
      live.add(target);
      usedLinks.add(path);
    }
    for (const [digest, modified] of repository.named) if (isYoung(modified) || repository.held) live.add(digest);
  }

  // Manifests that are no revision anywhere, but pinned or young: with all that they reach, wherever that is.
  const isRevision = (digest: string): boolean => repositories.some(({ revisions }) => revisions.has(digest));
  const reached = new Set<string>();
  /** What somebody takes for a manifest. */
  const claimed = new Set(policy.pins);
  for (const [digest, { modified }] of stored) {
    if (policy.pins.includes(digest) || isYoung(modified)) live.add(digest);
    if ((policy.pins.includes(digest) || isYoung(modified)) && !isRevision(digest)) reached.add(digest);
  }
  for (const digest of reached) {
    if (parse(digest) === undefined && !claimed.has(digest)) {
      live.add(digest);
      continue;
    }
    const { children, blobs } = namesOf(digest);
    // What cannot be read may name anything.
    for (const child of [...children, ...(parse(digest) === undefined ? blobs : [])]) {
      reached.add(child);
      claimed.add(child);
    }
    for (const blob of [digest, ...blobs]) live.add(blob);
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
    const repository = known ?? { name, revisions: new Map(), layers: new Map(), tags: new Map(), named: new Map(), held: false };
    repositories.set(name, repository);
    readFile(repository, parts.slice(own).join("/"), `${V2}/repositories/${file}`, content.toString("latin1"), modified);
  }
  return [...repositories.values()];
}

function readFile(repository: Repository, file: string, path: string, content: string, modified: number): void {
  const revision = /^_manifests\/revisions\/(\w+)\/(\w+)\/link$/.exec(file);
  const layer = /^_layers\/(\w+)\/(\w+)\/link$/.exec(file);
  const current = /^_manifests\/tags\/([^/]+)\/current\/link$/.exec(file);
  const index = /^_manifests\/tags\/[^/]+\/index\/(\w+)\/(\w+)\/link$/.exec(file);
  const named = (match: RegExpExecArray): string => `${match[1] ?? ""}:${match[2] ?? ""}`;
  if (current !== null) {
    if (DIGEST.test(content)) repository.tags.set(current[1] ?? "", content);
    else repository.held = true;
  } else if (revision !== null && DIGEST.test(named(revision))) {
    const digest = named(revision);
    repository.revisions.set(digest, { path, modified });
    if (content === digest) return;
    repository.held = true;
    if (DIGEST.test(content)) repository.revisions.set(content, { path, modified });
  } else if (layer !== null && DIGEST.test(named(layer))) {
    const digest = named(layer);
    const isAlias = digest.startsWith("sha512:") && /^sha256:[0-9a-f]{64}$/.test(content);
    if (content === digest || isAlias) {
      repository.layers.set(digest, { path, target: content, modified });
      return;
    }
    repository.named.set(digest, modified);
    if (!DIGEST.test(content)) return;
    // It names two digests: which of them the repository needs, nobody can tell.
    repository.named.set(content, modified);
    repository.held = true;
  } else if (index !== null && DIGEST.test(named(index)) && content !== named(index)) repository.held = true;
}

/** As much of a manifest as matters here. */
interface ManifestJson {
  readonly mediaType?: string;
  readonly config?: { readonly digest: string };
  readonly layers?: readonly { readonly digest: string }[];
  readonly manifests?: readonly { readonly digest: string }[];
  readonly blobs?: readonly { readonly digest: string }[];
  readonly fsLayers?: readonly { readonly blobSum: string }[];
  readonly subject?: { readonly digest: string };
}

/** Every digest in a content that nobody can read. */
function mentions(content: Buffer | undefined): string[] {
  return content?.toString("latin1").match(/sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}/g) ?? [];
}

/** References of a sound manifest; undefined for anything else. */
function parseManifest(content: Buffer, digest: string): Parsed | undefined {
  if (sha256(content) !== digest) return undefined;
  let json: ManifestJson;
  try {
    // Random registries hold manifests of our own, or no JSON at all.
    json = JSON.parse(content.toString()) as ManifestJson;
  } catch {
    return undefined;
  }
  if (json.mediaType === "text/html") return undefined;
  const { config, layers, manifests, blobs, fsLayers, subject } = json;
  const digests = (descriptors: readonly { readonly digest: string }[]): string[] => descriptors.map((one) => one.digest);
  const parsed = (of: readonly string[], children: readonly string[]): Parsed => ({
    blobs: of,
    children,
    subject: subject?.digest,
  });
  if (fsLayers !== undefined)
    return parsed(
      fsLayers.map(({ blobSum }) => blobSum),
      [],
    );
  if (blobs !== undefined) return parsed(digests(blobs), []);
  if (manifests !== undefined) return parsed([], digests(manifests));
  return config === undefined || layers === undefined ? undefined : parsed(digests([config, ...layers]), []);
}
