import { elementAt } from "../element-at.js";
import { Digest } from "../registry/digest.js";
import { tagCurrentPath, tagIndexLinkPath, tagPath } from "../registry/layout.js";
import { parseLink } from "../registry/link.js";
import { isTagName } from "../registry/reference.js";
import type { RepositoryListing } from "../storage/listing.js";
import type { BlobTable } from "./blob-table.js";
import type { Cause } from "./cause.js";
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

/** A tag, with what its `current/link` holds if that is a digest. */
interface ResolvedTag {
  readonly name: string;
  readonly target: number | undefined;
}

/** A repository's tags, and what is wrong with their links. */
export interface TagLinks {
  /** By name. */
  readonly tags: readonly Tag[];
  readonly history: readonly TagHistoryEntry[];
  /** What the history of tags names whose `current/link` is damaged or gone, or holds none of it: each may be what the tag named last. */
  readonly lostTargets: readonly number[];
  /** How many have neither a link nor a history: nothing shows that they have ever named anything. */
  readonly empty: number;
  readonly findings: readonly Finding[];
}

/** Resolves the tags' links. `isFound` says whether a registry finds a manifest of this number, by a revision link or, as 2.x does, by a layer link. */
export function resolveTagLinks(listing: RepositoryListing, table: BlobTable, isFound: (id: number) => boolean): TagLinks {
  return new Resolver(listing, table, isFound);
}

class Resolver implements TagLinks {
  readonly tags: readonly Tag[];
  readonly history: TagHistoryEntry[] = [];
  readonly lostTargets: number[] = [];
  readonly findings: Finding[] = [];
  empty = 0;
  /** By position: the tag's index has entries. */
  readonly #tagsWithHistory: ReadonlySet<number>;
  /** By position: there is something outside the layout. */
  readonly #tagsWithOthers: ReadonlySet<number>;
  /** Those of them where that is more than the markers of folders, which consoles make in a bucket. */
  readonly #tagsWithFiles: ReadonlySet<number>;

  constructor(
    private readonly listing: RepositoryListing,
    private readonly table: BlobTable,
    private readonly isFound: (id: number) => boolean,
  ) {
    const { indexTag, oddIndex, others } = listing.tags;
    this.#tagsWithHistory = new Set([...indexTag, ...oddIndex.map(({ tag }) => tag)]);
    this.#tagsWithOthers = new Set(others.map(({ tag }) => tag));
    this.#tagsWithFiles = new Set(others.flatMap(({ tag, name: file }) => (/^$|\/$/.test(file) ? [] : [tag])));
    const tags = this.#resolve();
    this.#checkIndex(tags);
    this.tags = tags.filter((tag): tag is Tag => tag.target !== undefined).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  #add(code: FindingCode, path: string, more: Partial<Finding>): void {
    this.findings.push({ code, path, repository: this.listing.name, ...more });
  }

  /** Every tag, with the manifest that it names now if its link says one. */
  #resolve(): ResolvedTag[] {
    const { names, current, oddCurrent } = this.listing.tags;
    const odd = new Map(oddCurrent.map(({ tag, content }) => [tag, content]));
    return names.map((name, tag) => ({
      name,
      target: odd.has(tag) ? this.#resolveOddTag(tag, odd.get(tag)) : this.table.idOf("sha256", current, tag * 8),
    }));
  }

  #resolveOddTag(position: number, content: Uint8Array | undefined): number | undefined {
    const { name, tags } = this.listing;
    const tag = elementAt(tags.names, position);
    if (content === undefined) {
      if (!this.#tagsWithHistory.has(position)) this.empty++;
      // Nobody has ever pushed it: what is wrong is its name.
      if (!isTagName(tag) && !this.#tagsWithHistory.has(position)) return undefined;
      this.#add("tag-without-current", tagPath(name, tag), { tag, ...this.#lossOf(position) });
      return undefined;
    }
    const link = parseLink(content);
    if ("digest" in link) return this.table.idOfDigest(link.digest);
    this.#add("tag-link-invalid", tagCurrentPath(name, tag), { tag, cause: { kind: "link-problem", problem: link.problem } });
    return undefined;
  }

  /** What a tag without `current/link` has lost: a link that its index shows to have been there, or nothing. */
  #lossOf(position: number): Partial<Finding> {
    if (this.#tagsWithHistory.has(position)) return { cause: { kind: "had-link" } };
    if (this.#tagsWithFiles.has(position)) return { holds: false };
    // A sweep or a delete that was killed leaves the empty directory: nothing is lost with it.
    return this.#tagsWithOthers.has(position)
      ? { holds: false, cause: { kind: "folder-marker" } }
      : { holds: false, reclaimable: true, cause: { kind: "empty-tag" } };
  }

  /**
   * The index is a tag's history: no root, and garbage where it names what is gone. The tag's own target is the tag's affair; where its
   * link does not tell, any entry may be its own.
   */
  #checkIndex(tags: readonly ResolvedTag[]): void {
    const { name } = this.listing;
    const { indexTag, indexDigests, oddIndex } = this.listing.tags;
    const ids = indexTag.map((_, i) => this.table.idOf("sha256", indexDigests, i * 8));
    const odd = oddIndex.flatMap(({ tag, algorithm, hex, content }) => {
      const named = Digest.fromParts(algorithm, hex);
      return named === undefined ? [] : [{ tag, named, id: this.table.idOfDigest(named), link: content && parseLink(content) }];
    });
    /** By position: its target is in its index. */
    const listed = new Uint8Array(tags.length);
    const note = (tag: number, id: number): void => {
      if (elementAt(tags, tag).target === id) listed[tag] = 1;
    };
    for (let i = 0; i < ids.length; i++) note(elementAt(indexTag, i), elementAt(ids, i));
    for (const { tag, id } of odd) note(tag, id);
    this.#checkListed(tags, listed);

    const checkTarget = (tag: number, id: number): void => {
      const { name: tagName, target } = elementAt(tags, tag);
      if (target === id) return;
      if (listed[tag] !== 1) {
        this.lostTargets.push(id);
        return;
      }
      if (this.isFound(id)) {
        this.history.push({ tag: tagName, target: id });
        return;
      }
      const digest = this.table.digest(id);
      this.#add("tag-index-dangling", tagIndexLinkPath(name, tagName, digest), { tag: tagName, digest });
    };
    for (let i = 0; i < ids.length; i++) checkTarget(elementAt(indexTag, i), elementAt(ids, i));
    for (const { tag, named, id, link } of odd) {
      if (link !== undefined && "digest" in link && link.digest.equals(named)) {
        checkTarget(tag, id);
        continue;
      }
      if (listed[tag] !== 1) this.lostTargets.push(id);
      // Only its directory tells of it: where the tag's link does, nothing is lost.
      if (link === undefined) continue;
      const { name: tagName } = elementAt(tags, tag);
      const cause: Cause = { kind: "history-entry", found: "problem" in link ? link.problem : link.digest };
      this.#add("link-mismatch", tagIndexLinkPath(name, tagName, named), { tag: tagName, digest: named, cause });
    }
  }

  /** A push writes the entry first, and then `current/link` (`registry/storage/tagstore.go`): no push has written what a tag's index lacks. */
  #checkListed(tags: readonly ResolvedTag[], listed: Uint8Array): void {
    for (const position of this.#tagsWithHistory) {
      const { name: tag, target } = elementAt(tags, position);
      if (target === undefined || listed[position] === 1) continue;
      const digest = this.table.digest(target);
      this.#add("link-mismatch", tagCurrentPath(this.listing.name, tag), { tag, digest, cause: { kind: "not-in-index" } });
    }
  }
}
