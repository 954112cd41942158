import { elementAt } from "../element-at.js";
import { Digest } from "../registry/digest.js";
import { blobPath } from "../registry/layout.js";
import { digestIn } from "../registry/link.js";
import { unpackReferences } from "../registry/packed-manifest.js";
import type { LinkSection, RepositoryListing, StorageFault } from "../storage/listing.js";
import { concatWords } from "../storage/merge-listings.js";
import type { Storage } from "../storage/storage.js";

/** What a tag names, and what else names that. */
export interface NamedImage {
  /** As its link has it. */
  readonly digest: string;
  /**
   * What finds it: **layer** is a layer link alone, as 2.1.0 wrote it and 2.x still finds a manifest (`manifestLinkPathFns` in
   * `registry/storage/registry.go`). Undefined for a tag that dangles.
   */
  readonly link: "revision" | "layer" | undefined;
  /** Other tags that stay. */
  readonly otherTags: readonly string[];
  /** Indexes of the repository that it is part of. */
  readonly parents: readonly string[];
  /** What its manifest is about, if it says so: that keeps it. */
  readonly subject: string | undefined;
}

/** What some tags of a repository name, with what could not be read. */
export interface NamedImages {
  /** By tag, of those that name a manifest. */
  readonly images: ReadonlyMap<string, NamedImage>;
  /** By tag, a whole manifest that it names, or has named, and that nothing else tells from a layer: the next sweep takes it without this tag. */
  readonly lastNames: ReadonlyMap<string, string>;
  readonly faults: readonly StorageFault[];
}

/** Looks up what tags name that are to go. Reads each manifest of the repository once, however many tags there are. */
export async function findNamedImages(
  storage: Storage,
  listing: RepositoryListing,
  going: ReadonlySet<string>,
): Promise<NamedImages> {
  const held = heldByTags(listing);
  const history = historyOf(listing);
  const aliases = aliasesOf(listing);
  const imageOf = (digest: string): string => aliases.get(digest) ?? digest;
  const named = new Set([...held.values(), ...[...history.values()].flat()].flatMap((digest) => [digest, imageOf(digest)]));
  const revisions = findLinks(listing, "revisions", named);
  const layers = findLinks(listing, "layers", named);
  const linkOf = (digest: string): NamedImage["link"] => {
    if (revisions.has(imageOf(digest))) return "revision";
    // Manifests are stored by their sha256: a link of another algorithm that does not say which leads to nothing.
    return layers.has(digest) && imageOf(digest).startsWith("sha256:") ? "layer" : undefined;
  };
  const byLayer = new Set([...named].filter((digest) => linkOf(digest) === "layer").map(imageOf));
  const { parents, subjects, damaged, faults } = await readManifests(storage, listing, byLayer, named);

  const otherTags = new Map<string, string[]>();
  for (const [tag, digest] of held) if (!going.has(tag)) addTo(otherTags, imageOf(digest), tag);
  const stays = new Set(otherTags.keys());
  for (const [tag, digests] of history) if (!going.has(tag)) for (const digest of digests) stays.add(imageOf(digest));
  const isLost = (image: string): boolean =>
    byLayer.has(image) && !damaged.has(image) && !stays.has(image) && !parents.has(image);
  const images = new Map<string, NamedImage>();
  const lastNames = new Map<string, string>();
  for (const tag of going) {
    const digest = held.get(tag);
    const lost = [digest ?? [], history.get(tag) ?? []].flat().map(imageOf).find(isLost);
    if (lost !== undefined) lastNames.set(tag, lost);
    if (digest === undefined) continue;
    const image = imageOf(digest);
    const others = { otherTags: otherTags.get(image) ?? [], parents: parents.get(image) ?? [] };
    images.set(tag, { digest, link: linkOf(digest), ...others, subject: subjects.get(image) });
  }
  return { images, lastNames, faults };
}

/** The digests that the tags' links hold, by tag. */
function heldByTags({ tags }: RepositoryListing): ReadonlyMap<string, string> {
  const odd = new Map(tags.oddCurrent.map(({ tag, content }) => [tag, digestIn(content)]));
  const held = new Map<string, string>();
  for (const [i, name] of tags.names.entries()) {
    const digest = odd.has(i) ? odd.get(i) : Digest.fromWords("sha256", tags.current, i * SHA256);
    if (digest !== undefined) held.set(name, digest.toString());
  }
  return held;
}

/** The digests that the tags' histories hold, by tag. */
function historyOf({ tags }: RepositoryListing): ReadonlyMap<string, readonly string[]> {
  const history = new Map<string, string[]>();
  for (const [i, tag] of tags.indexTag.entries())
    addTo(history, elementAt(tags.names, tag), Digest.fromWords("sha256", tags.indexDigests, i * SHA256).toString());
  for (const { tag, algorithm, hex, content } of tags.oddIndex)
    if (content !== undefined) addTo(history, elementAt(tags.names, tag), `${algorithm}:${hex}`);
  return history;
}

const SHA256 = 8;

/** Layer links by another algorithm hold the digest that their blob is stored by. */
function aliasesOf({ oddLinks }: RepositoryListing): ReadonlyMap<string, string> {
  const aliases = new Map<string, string>();
  for (const { section, algorithm, hex, content } of oddLinks) {
    const stored = section === "layers" && algorithm !== "sha256" ? digestIn(content) : undefined;
    if (stored?.algorithm === "sha256") aliases.set(`${algorithm}:${hex}`, stored.toString());
  }
  return aliases;
}

/** Those of `named` that have such a link, be it damaged. */
function findLinks(listing: RepositoryListing, section: LinkSection, named: ReadonlySet<string>): ReadonlySet<string> {
  const found = new Set<string>();
  const add = (digest: string): void => {
    if (named.has(digest)) found.add(digest);
  };
  const { digests } = listing[section];
  for (let at = 0; at < digests.length; at += SHA256) add(Digest.fromWords("sha256", digests, at).toString());
  for (const link of listing.oddLinks) if (link.section === section) add(`${link.algorithm}:${link.hex}`);
  return found;
}

/**
 * Of the revisions and `more`: the indexes that contain a manifest that is named, by its digest, what one that is named is about, and which
 * manifests are damaged.
 */
async function readManifests(
  storage: Storage,
  { revisions }: RepositoryListing,
  more: ReadonlySet<string>,
  named: ReadonlySet<string>,
) {
  const others = [...more].flatMap((text) => Digest.parse(text)?.toWords() ?? []);
  const digests = concatWords([revisions.digests, ...others]);
  const digestAt = (i: number): Digest => Digest.fromWords("sha256", digests, i * SHA256);
  const { words, offsets, problems } = await storage.readManifests("sha256", digests);
  const faults: StorageFault[] = [];
  const damaged = new Set<string>();
  for (const problem of problems) {
    const digest = digestAt(problem.position);
    damaged.add(digest.toString());
    if (problem.kind === "unreadable") faults.push({ path: blobPath(digest), cause: problem.cause });
  }
  const parents = new Map<string, string[]>();
  const subjects = new Map<string, string>();
  for (const [i, offset] of offsets.entries()) {
    const manifest = digestAt(i).toString();
    if (damaged.has(manifest)) continue;
    for (const { role, algorithm, at } of unpackReferences(words, offset)) {
      if (role !== "child" && role !== "subject") continue;
      const digest = Digest.fromWords(algorithm, words, at).toString();
      if (role === "subject") subjects.set(manifest, digest);
      else if (named.has(digest)) addTo(parents, digest, manifest);
    }
  }
  return { parents, subjects, damaged, faults };
}

function addTo(lists: Map<string, string[]>, key: string, value: string): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}
