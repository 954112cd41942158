import { Digest } from "../registry/digest.js";
import { TAG_CURRENT, tagIndexName } from "../registry/layout.js";
import type { TagListing } from "./listing.js";

/** The files of some tags, in their order, where a listing tells of every object. */
export function listedFiles(tags: TagListing, wanted: readonly string[]): readonly (readonly string[])[] {
  const isWanted = new Set(wanted);
  const files = new Map<number, string[]>();
  const without = new Set(tags.oddCurrent.flatMap(({ tag, content }) => (content === undefined ? [tag] : [])));
  for (const [tag, name] of tags.names.entries()) if (isWanted.has(name)) files.set(tag, without.has(tag) ? [] : [TAG_CURRENT]);
  for (const [entry, tag] of tags.indexTag.entries())
    files.get(tag)?.push(tagIndexName(Digest.fromWords("sha256", tags.indexDigests, entry * 8)));
  for (const { tag, algorithm, hex, content } of tags.oddIndex) {
    const digest = Digest.fromParts(algorithm, hex);
    if (digest !== undefined && content !== undefined) files.get(tag)?.push(tagIndexName(digest));
  }
  for (const { tag, name } of tags.others) files.get(tag)?.push(name);
  const byName = new Map(Array.from(files, ([tag, names]) => [tags.names[tag], names]));
  return wanted.map((name) => byName.get(name) ?? []);
}
