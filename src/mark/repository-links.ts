import { Digest } from "../registry/digest.js";
import {
  layerLinkPath,
  repositoryPath,
  revisionLinkPath,
  tagCurrentPath,
  tagIndexLinkPath,
  tagPath,
} from "../registry/layout.js";
import { parseLink } from "../registry/link.js";
import { isRepositoryName, isTagName } from "../registry/reference.js";
import type { OddLink, RepositoryListing } from "../storage/listing.js";
import type { BlobTable } from "./blob-table.js";
import { strayFinding } from "./strays.js";
import type { Finding, FindingCode } from "./finding.js";

/** A tag whose `current/link` holds a digest. */
export interface Tag {
  readonly name: string;
  readonly target: number;
}

/** An entry of a tag's `index/` that names a revision other than the tag's own. */
export interface TagHistoryEntry {
  readonly tag: string;
  readonly target: number;
}

/** A repository's links by blob number, and what is wrong with the links themselves. */
export interface RepositoryLinks {
  /** Manifests with a revision link, in order; a damaged link counts, so that what it names stays. */
  readonly revisions: readonly number[];
  /** By name. */
  readonly tags: readonly Tag[];
  /** What sound layer links name by path, sorted, stored or not. */
  readonly layers: Uint32Array;
  /** Seconds since 1970 beside each of `layers`, where the storage told. */
  readonly layerTimes: Uint32Array | undefined;
  /** The same by revision. */
  readonly revisionTimes: ReadonlyMap<number, number> | undefined;
  /** Those of `layers` that are sha512 links to a sha256 blob, as the registry writes them: from one number to the other. */
  readonly aliases: ReadonlyMap<number, number>;
  /** What damaged layer links name by path or by content: linked after all, but to be repaired. */
  readonly damagedLayers: ReadonlySet<number>;
  readonly history: readonly TagHistoryEntry[];
  readonly findings: Finding[];
}

/** Turns a listing's digests into numbers and judges each link by itself. */
export function resolveLinks(listing: RepositoryListing, table: BlobTable): RepositoryLinks {
  return new Resolver(listing, table).resolve();
}

class Resolver {
  readonly #findings: Finding[] = [];
  readonly #revisions = new Set<number>();
  readonly #aliases = new Map<number, number>();
  readonly #damagedLayers = new Set<number>();
  readonly #history: TagHistoryEntry[] = [];
  /** By position: there is something besides `current/link`. */
  readonly #tagsWithMore: ReadonlySet<number>;
  readonly #oddLayers: { readonly id: number; readonly modified: number | undefined }[] = [];

  constructor(
    private readonly listing: RepositoryListing,
    private readonly table: BlobTable,
  ) {
    const { indexTag, oddIndex, others } = listing.tags;
    this.#tagsWithMore = new Set([...indexTag, ...oddIndex.map(({ tag }) => tag), ...others.map(({ tag }) => tag)]);
  }

  resolve(): RepositoryLinks {
    const { revisions, layers } = this.listing;
    this.#checkNames();
    const revisionIds = this.#ids(revisions.digests);
    for (const id of revisionIds) this.#revisions.add(id);
    for (const link of this.listing.oddLinks) this.#resolveOddLink(link);
    const layerIds = this.#ids(layers.digests);
    const tags = this.#resolveTags();
    this.#checkIndex(tags);
    return {
      // In order, whatever the storage's: which tag or manifest a finding names must not depend on a listing.
      revisions: [...Uint32Array.from(this.#revisions).sort()],
      tags: tags.filter((tag): tag is Tag => tag.target !== undefined).sort((a, b) => (a.name < b.name ? -1 : 1)),
      ...sortLayers(layerIds, layers.modified, this.#oddLayers),
      revisionTimes: timesById(revisionIds, revisions.modified),
      aliases: this.#aliases,
      damagedLayers: this.#damagedLayers,
      history: this.#history,
      findings: this.#findings,
    };
  }

  #add(code: FindingCode, path: string, more: Partial<Finding> = {}): void {
    this.#findings.push({ code, path, repository: this.listing.name, ...more });
  }

  #ids(words: Uint32Array): Uint32Array {
    const ids = new Uint32Array(words.length / 8);
    for (let i = 0; i < ids.length; i++) ids[i] = this.table.idOf("sha256", words, i * 8);
    return ids;
  }

  #checkNames(): void {
    const { name, isRepository, tags, strays, faults } = this.listing;
    if (isRepository && !isRepositoryName(name)) this.#add("repository-name-invalid", repositoryPath(name));
    for (const tag of tags.names) if (!isTagName(tag)) this.#add("tag-name-invalid", tagPath(name, tag), { tag });
    const repository = isRepository ? name : undefined;
    for (const stray of strays) this.#findings.push({ ...strayFinding(stray), repository });
    for (const { path, cause } of faults) this.#add("storage-unreadable", path, { repository, detail: cause });
  }

  #resolveOddLink({ section, algorithm, hex, content, modified }: OddLink): void {
    const named = Digest.fromParts(algorithm, hex);
    if (named === undefined) throw new RangeError(`the listing holds a malformed digest ${algorithm}:${hex}`);
    const isRevision = section === "revisions";
    const path = isRevision ? revisionLinkPath(this.listing.name, named) : layerLinkPath(this.listing.name, named);
    const link = parseLink(content);
    const id = this.table.idOfDigest(named);
    if (isRevision) this.#revisions.add(id);
    if ("problem" in link) {
      if (!isRevision) this.#damagedLayers.add(id);
      this.#add(isRevision ? "revision-link-invalid" : "layer-link-invalid", path, { digest: named, detail: link.problem });
      return;
    }
    const target = this.table.idOfDigest(link.digest);
    if (target === id) {
      if (!isRevision) this.#oddLayers.push({ id, modified });
    } else if (!isRevision && algorithm === "sha512" && link.digest.algorithm === "sha256") {
      this.#aliases.set(id, target);
      this.#oddLayers.push({ id, modified });
    } else {
      if (isRevision) this.#revisions.add(target);
      else this.#damagedLayers.add(id).add(target);
      const what = isRevision ? "a pull of this manifest" : "a pull of this layer";
      this.#add("link-mismatch", path, {
        digest: named,
        detail: `the link names ${link.digest.toString()}: ${what} gets that instead`,
      });
    }
  }

  /** Every tag, with the manifest that it names now if its link says one. */
  #resolveTags(): { readonly name: string; readonly target: number | undefined }[] {
    const { names, current, oddCurrent } = this.listing.tags;
    const odd = new Map(oddCurrent.map(({ tag, content }) => [tag, content]));
    return names.map((name, tag) => ({
      name,
      target: odd.has(tag) ? this.#resolveOddTag(tag, odd.get(tag)) : this.table.idOf("sha256", current, tag * 8),
    }));
  }

  #resolveOddTag(position: number, content: Uint8Array | undefined): number | undefined {
    const { name, tags } = this.listing;
    const tag = tags.names[position] ?? "";
    if (content === undefined) {
      // Nobody has ever pushed it: what is wrong is its name.
      if (!isTagName(tag)) return undefined;
      // A sweep or a delete that was killed leaves the empty directory: nothing is lost with it.
      const empty = this.#tagsWithMore.has(position)
        ? {}
        : { reclaimable: true, detail: "its directory is empty: a sweep removes it" };
      this.#add("tag-without-current", tagPath(name, tag), { tag, ...empty });
      return undefined;
    }
    const link = parseLink(content);
    if ("digest" in link) return this.table.idOfDigest(link.digest);
    this.#add("tag-link-invalid", tagCurrentPath(name, tag), { tag, detail: link.problem });
    return undefined;
  }

  /** The index is a tag's history: no root, and garbage where it names what is gone. The tag's own target is the tag's affair. */
  #checkIndex(tags: readonly { readonly name: string; readonly target: number | undefined }[]): void {
    const { name } = this.listing;
    const { indexTag, indexDigests, oddIndex } = this.listing.tags;
    const checkTarget = (tag: number, id: number): void => {
      if (tags[tag]?.target === id) return;
      const tagName = tags[tag]?.name ?? "";
      if (this.#revisions.has(id)) {
        this.#history.push({ tag: tagName, target: id });
        return;
      }
      const digest = this.table.digest(id);
      this.#add("tag-index-dangling", tagIndexLinkPath(name, tagName, digest), { tag: tagName, digest });
    };
    for (let i = 0; i < indexTag.length; i++) checkTarget(indexTag[i] ?? 0, this.table.idOf("sha256", indexDigests, i * 8));
    for (const { tag, algorithm, hex, content } of oddIndex) {
      const named = Digest.fromParts(algorithm, hex);
      if (named === undefined) continue;
      const link = parseLink(content);
      if ("digest" in link && link.digest.equals(named)) {
        checkTarget(tag, this.table.idOfDigest(named));
        continue;
      }
      const tagName = tags[tag]?.name ?? "";
      const found = "problem" in link ? link.problem : `the link names ${link.digest.toString()}`;
      const detail = `${found}; it is an entry of the tag's history, which no pull reads`;
      this.#add("link-mismatch", tagIndexLinkPath(name, tagName, named), { tag: tagName, digest: named, detail });
    }
  }
}

function timesById(ids: Uint32Array, modified: Uint32Array | undefined): ReadonlyMap<number, number> | undefined {
  if (modified === undefined) return undefined;
  const times = new Map<number, number>();
  for (let i = 0; i < ids.length; i++) times.set(ids[i] ?? 0, modified[i] ?? 0);
  return times;
}

/** Sorts the layers, `odd` ones among them; the times are dropped unless all are known. */
function sortLayers(
  ids: Uint32Array,
  times: Uint32Array | undefined,
  odd: readonly { readonly id: number; readonly modified: number | undefined }[],
) {
  const all = new Uint32Array(ids.length + odd.length);
  all.set(ids);
  for (const [i, { id }] of odd.entries()) all[ids.length + i] = id;
  const known = (times !== undefined || ids.length === 0) && odd.every(({ modified }) => modified !== undefined);
  if (!known) return { layers: all.sort(), layerTimes: undefined };
  const timeOf = (i: number): number => (i < ids.length ? times?.[i] : odd[i - ids.length]?.modified) ?? 0;
  const order = Uint32Array.from(all, (_, i) => i).sort((a, b) => (all[a] ?? 0) - (all[b] ?? 0));
  return { layers: order.map((i) => all[i] ?? 0), layerTimes: order.map(timeOf) };
}
