import { Digest } from "../registry/digest.js";
import { digestIn } from "../registry/link.js";
import { isTagName } from "../registry/reference.js";
import { parseStartedAt } from "../registry/started-at.js";
import type { LinkSection, RepositoryListing, UploadListing } from "../storage/listing.js";
import type { DigestText } from "./digest-text.js";
import type { Tables } from "./tables-writer.js";

const TABLE_OF = { revisions: "revisions", layers: "layer_links" } as const satisfies Record<LinkSection, string>;

/** Writes what a repository's directory holds: a row for each link, tag, entry of a tag's history, and upload. */
export function recordRepository(tables: Tables, digests: DigestText, listing: RepositoryListing): void {
  if (!listing.isRepository) return;
  for (const section of ["revisions", "layers"] as const) recordSoundLinks(tables, digests, listing, section);
  recordOddLinks(tables, digests, listing);
  recordTags(tables, digests, listing);
  for (const upload of listing.uploads) recordUpload(tables, listing.name, upload);
}

function recordSoundLinks(tables: Tables, digests: DigestText, listing: RepositoryListing, section: LinkSection): void {
  const { digests: words, modified } = listing[section];
  for (let i = 0; i < words.length / 8; i++) {
    const digest = digests.ofWords("sha256", words, i * 8);
    tables[TABLE_OF[section]].add({ repository: listing.name, digest, target: digest, modified: modified?.[i] });
  }
}

/** Of other algorithms, or damaged: what they name by their path, and by their content where that is a digest. */
function recordOddLinks(tables: Tables, digests: DigestText, { name: repository, oddLinks }: RepositoryListing): void {
  for (const { section, algorithm, hex, content, modified } of oddLinks) {
    const named = Digest.fromParts(algorithm, hex);
    if (named === undefined) continue;
    const held = digestIn(content);
    const target = held && digests.of(held);
    tables[TABLE_OF[section]].add({ repository, digest: digests.of(named), target, modified });
  }
}

function recordTags(tables: Tables, digests: DigestText, { name: repository, tags }: RepositoryListing): void {
  const odd = new Map(tags.oddCurrent.map(({ tag, content }) => [tag, content]));
  const digestOf = (tag: number): Uint8Array | undefined => {
    if (!odd.has(tag)) return digests.ofWords("sha256", tags.current, tag * 8);
    const held = digestIn(odd.get(tag));
    return held && digests.of(held);
  };
  for (const [i, tag] of tags.names.entries()) {
    const modified = tags.modified?.[i] === 0 ? undefined : tags.modified?.[i];
    tables.tags.add({ repository, tag, digest: digestOf(i), valid_name: isTagName(tag), modified });
  }
  for (const [i, tag] of tags.indexTag.entries())
    tables.tag_history.add({
      repository,
      tag: tags.names[tag] ?? "",
      digest: digests.ofWords("sha256", tags.indexDigests, i * 8),
    });
  for (const { tag, digest } of oddHistory(tags))
    tables.tag_history.add({ repository, tag: tags.names[tag] ?? "", digest: digests.of(digest) });
}

/**
 * Entries by another algorithm, and damaged ones. A damaged entry is a finding, and history only where it tells by its path what the tag
 * names, or may have named last.
 */
function oddHistory(tags: RepositoryListing["tags"]): readonly { readonly tag: number; readonly digest: Digest }[] {
  if (tags.oddIndex.length === 0) return [];
  const held = new Map(tags.oddCurrent.map(({ tag, content }) => [tag, digestIn(content)]));
  const ownOf = (tag: number): Digest | undefined =>
    held.has(tag) ? held.get(tag) : Digest.fromWords("sha256", tags.current, tag * 8);
  const odd = tags.oddIndex.flatMap(({ tag, algorithm, hex, content }) => {
    const digest = Digest.fromParts(algorithm, hex);
    return digest === undefined ? [] : [{ tag, digest, isSound: digestIn(content)?.equals(digest) === true }];
  });
  const isOwn = (tag: number, digest: Digest): boolean => ownOf(tag)?.equals(digest) === true;
  const listed = new Set(odd.filter(({ tag, digest }) => isOwn(tag, digest)).map(({ tag }) => tag));
  const asked = new Set(odd.map(({ tag }) => tag));
  for (const [i, tag] of tags.indexTag.entries())
    if (asked.has(tag) && isOwn(tag, Digest.fromWords("sha256", tags.indexDigests, i * 8))) listed.add(tag);
  return odd.filter(({ tag, digest, isSound }) => isSound || !listed.has(tag) || isOwn(tag, digest));
}

function recordUpload(tables: Tables, repository: string, { id, startedAt, bytes, modified }: UploadListing): void {
  const started = parseStartedAt(startedAt);
  tables.uploads.add({ repository, id, started, bytes, modified });
}
