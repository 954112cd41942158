import { Digest } from "../registry/digest.js";
import { TAG_CURRENT, tagIndexName, tagPath, TAGS_DIRECTORY, UNFINISHED_LINK } from "../registry/layout.js";
import { parseOwnPath } from "../registry/parse-path.js";
import type { OwnObject, RepositoryListing, StorageFault, TagListing } from "../storage/listing.js";
import type { Storage } from "../storage/storage.js";

/**
 * What each of some tags of a repository consists of: all that lies below its directory, and which of it is stray: while there is anything,
 * the registry lists the tag. `current/link` comes last: a removal that is killed before it leaves a tag that another one finds. A tag whose
 * directory cannot be listed is not in the answer, and `onFault` is called.
 */
export async function objectsOfTags(
  storage: Storage,
  { name: repository, tags }: RepositoryListing,
  wanted: ReadonlySet<string>,
  onFault: (fault: StorageFault) => void,
): Promise<ReadonlyMap<string, readonly OwnObject[]>> {
  if (storage.filesBelow === undefined) return listedObjects(tags, wanted);
  const objects = new Map<string, readonly OwnObject[]>();
  const found = await storage.filesBelow(Array.from(wanted, (tag) => tagPath(repository, tag)));
  for (const [i, tag] of [...wanted].entries()) {
    const files = found[i] ?? [];
    if ("cause" in files) onFault(files);
    else objects.set(tag, toObjects(files));
  }
  return objects;
}

function listedObjects(tags: TagListing, wanted: ReadonlySet<string>): ReadonlyMap<string, readonly OwnObject[]> {
  const files = new Map<number, string[]>();
  const without = new Set(tags.oddCurrent.flatMap(({ tag, content }) => (content === undefined ? [tag] : [])));
  for (const [tag, name] of tags.names.entries()) if (wanted.has(name)) files.set(tag, without.has(tag) ? [] : [TAG_CURRENT]);
  for (const [entry, tag] of tags.indexTag.entries())
    files.get(tag)?.push(tagIndexName(Digest.fromWords("sha256", tags.indexDigests, entry * 8)));
  for (const { tag, algorithm, hex } of tags.oddIndex) {
    const digest = Digest.fromParts(algorithm, hex);
    if (digest !== undefined) files.get(tag)?.push(tagIndexName(digest));
  }
  for (const { tag, name } of tags.others) files.get(tag)?.push(name);
  return new Map(Array.from(files, ([tag, names]) => [tags.names[tag] ?? "", toObjects(names)]));
}

function toObjects(files: readonly string[]): OwnObject[] {
  const isLast = (name: string): number => Number(name === TAG_CURRENT);
  return files
    .toSorted((a, b) => isLast(a) - isLast(b))
    .map((name) => (isOwn(name) ? { name, bytes: 0 } : { name, bytes: 0, isStray: true }));
}

/** Whether the registry has written it, to the end or not, or a console has marked a folder that it made. */
function isOwn(name: string): boolean {
  return (
    name === "" ||
    name.endsWith("/") ||
    UNFINISHED_LINK.test(`/${name}`) ||
    parseOwnPath(`${TAGS_DIRECTORY}/-/${name}`).kind !== "stray"
  );
}
