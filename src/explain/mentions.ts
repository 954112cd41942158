import type { Finding } from "../mark/finding.js";
import type { ManifestStore } from "../mark/manifest-store.js";
import type { RepositoryGraph } from "../mark/repository-graph.js";
import type { Digest } from "../registry/digest.js";
import { layerLinkPath, revisionLinkPath, tagCurrentPath, tagIndexLinkPath } from "../registry/layout.js";
import type { ReferenceRole } from "../registry/manifest.js";
import type { BlobTable } from "../mark/blob-table.js";
import type { RepositoryListing } from "../storage/listing.js";

/** A manifest that names the focus. */
export interface Namer {
  readonly id: number;
  readonly as: ReferenceRole;
}

/** A link to the focus, and what the check says of it. */
export interface LinkMention {
  readonly kind: "revision-link" | "layer-link";
  readonly path: string;
  /** Whether the selected policy lets a sweep take it. */
  readonly garbage: boolean;
}

/** All that a repository says of the focus. Lists may be cut short; counts are not. */
export interface Mention {
  readonly repository: string;
  /** Tags that name it now. */
  readonly tags: readonly string[];
  readonly tagCount: number;
  /** Tags that have named it: it is in their history. */
  readonly history: readonly { readonly tag: string; readonly path: string; readonly currentPath: string }[];
  readonly links: readonly LinkMention[];
  /** Manifests that name it, live or not. */
  readonly namers: readonly (Namer & { readonly live: boolean })[];
  readonly namerCount: number;
  /** What the check says of it here. */
  readonly findings: readonly Finding[];
}

/** Tags and manifests that are listed for a repository. */
const MENTIONS_LISTED = 100;

/** Codes that say that a link is not needed, which `garbage` of a link says as well. */
const GARBAGE_LINKS: ReadonlySet<string> = new Set(["manifest-unreferenced", "layer-link-unreferenced", "layer-link-dangling"]);

/** What manifests of a repository say of the focus, before it is known which are live. */
export function findNamers({ reachability, links }: RepositoryGraph, store: ManifestStore, focus: number): Namer[] {
  const namers: Namer[] = [];
  for (const id of reachability.manifests) {
    let as: ReferenceRole | undefined;
    store.forEachReference(id, (role, named) => {
      if (named === focus || links.aliases.get(named) === focus) as ??= role;
    });
    if (as !== undefined) namers.push({ id, as });
  }
  return namers;
}

/** All that the repository says of the focus; undefined when it says nothing. */
export function findMention(
  listing: RepositoryListing,
  { links }: RepositoryGraph,
  table: BlobTable,
  focus: number,
  namers: readonly Namer[],
  isLive: (manifest: number) => boolean,
  findings: readonly Finding[],
): Mention | undefined {
  const { name } = listing;
  const digest = table.digest(focus);
  const tags = links.tags.filter(({ target }) => target === focus).map((tag) => tag.name);
  const history = historyOf(listing, digest);
  const paths: Omit<LinkMention, "garbage">[] = [];
  if (links.revisions.includes(focus)) paths.push({ kind: "revision-link", path: revisionLinkPath(name, digest) });
  const layers = [...links.layers, ...links.damagedLayers].filter((id) => (links.aliases.get(id) ?? id) === focus);
  for (const id of layers) paths.push({ kind: "layer-link", path: layerLinkPath(name, table.digest(id)) });
  if (tags.length + history.length + paths.length + namers.length === 0) return undefined;
  const own = new Set(paths.map(({ path }) => path));
  const about = findings.filter((finding) => finding.digest?.equals(digest) === true || own.has(finding.path));
  const garbage = new Set(
    about.filter(({ code, reclaimable }) => GARBAGE_LINKS.has(code) && reclaimable !== false).map(({ path }) => path),
  );
  return {
    repository: name,
    tags: tags.slice(0, MENTIONS_LISTED),
    tagCount: tags.length,
    history: history.slice(0, MENTIONS_LISTED).map((tag) => ({
      tag,
      path: tagIndexLinkPath(name, tag, digest),
      currentPath: tagCurrentPath(name, tag),
    })),
    links: paths.map((link) => ({ ...link, garbage: garbage.has(link.path) })),
    namers: namers.slice(0, MENTIONS_LISTED).map((namer) => ({ ...namer, live: isLive(namer.id) })),
    namerCount: namers.length,
    findings: about,
  };
}

/** Tags whose history names the digest, but not those that name it now. */
function historyOf({ tags }: RepositoryListing, digest: Digest): string[] {
  if (digest.algorithm !== "sha256") return [];
  const words = digest.toWords();
  const isFocus = (from: Uint32Array, at: number): boolean => words.every((word, i) => from[at + i] === word);
  const found: string[] = [];
  for (const [entry, tag] of tags.indexTag.entries()) {
    if (!isFocus(tags.indexDigests, entry * 8) || isFocus(tags.current, tag * 8)) continue;
    found.push(tags.names[tag] ?? "");
  }
  return found;
}
