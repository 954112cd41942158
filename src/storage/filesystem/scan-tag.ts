import { isDigestAlgorithm, isDigestHex } from "../../registry/digest.js";
import type { DigestAlgorithm } from "../../registry/digest.js";
import { counts } from "./counts.js";
import { listLeaf } from "./leaves.js";
import { ABSENT, lstat } from "./calls.js";
import { linkContent, linkHex, linkHolds, readLink } from "./read-file.js";
import { FAULT } from "./repository-reader.js";
import type { RepositoryReader } from "./repository-reader.js";

/** Directories that hold a link each, or links below them, by what else they may hold. */
export interface TagDirectories {
  /** Those of tags. */
  readonly tags: string[];
  /** With a `current/link` or an index entry. */
  readonly links: string[];
}

/** What the registry writes into a tag's directory. */
export function isOwnOfTag(name: string): boolean {
  return name === "current" || name === "index";
}

/** Reads `tags/<name>`: what the tag names now, and its history. Adds to `read` the directories that were found to be as they should. */
export function readTag(reader: RepositoryReader, name: string, path: string, read: TagDirectories): void {
  const length = reader.readLink(`${path}/current`);
  if (length === FAULT) return;
  // The tag was deleted since its name was listed.
  if (length === ABSENT && reader.stat(path) === undefined) return;
  const hex = linkHex(length);
  const tag =
    hex === undefined
      ? reader.builder.addOddTag(name, length === ABSENT ? undefined : linkContent(length))
      : reader.builder.addTag(name, hex);
  if (length === ABSENT) readStrays(reader, tag, path);
  else {
    read.tags.push(path);
    read.links.push(`${path}/current`);
  }
  if (hex !== undefined && isOnlyIndexEntry(reader, `${path}/index`, hex)) {
    reader.builder.addIndexEntry(tag, hex);
    read.links.push(`${path}/index/sha256/${hex}`);
    return;
  }
  for (const algorithm of reader.directories(`${path}/index`, isDigestAlgorithm)) {
    const parent = `${path}/index/${algorithm}`;
    if (isDigestAlgorithm(algorithm)) readIndex(reader, tag, algorithm, parent, read);
    else reader.addStray(parent);
  }
}

/** What keeps a tag without a `current/link` from being an empty directory. */
function readStrays(reader: RepositoryReader, tag: number, directory: string): void {
  for (const file of reader.filesBelow(directory)) {
    const name = file.slice(directory.length + 1);
    if (!name.startsWith("index/")) reader.builder.addTagObject(tag, name);
  }
  // Those beside a missing `current/link` are noted where it was looked for.
  listLeaf(reader.root, directory, isOwnOfTag, reader.addStray);
}

/**
 * Whether the index holds the sound link to `hex` and no other entry: true of every tag that was never moved. The number of links of
 * a directory is 2 + its subdirectories where a filesystem counts them, which saves two `readdir` a tag; where it does not (btrfs,
 * overlays), the directory is listed.
 */
function isOnlyIndexEntry(reader: RepositoryReader, index: string, hex: string): boolean {
  counts.head += 2;
  try {
    const directory = `${reader.root}/${index}`;
    if (lstat(directory)?.nlink !== 3 || lstat(`${directory}/sha256`)?.nlink !== 3) return false;
    counts.get++;
    return linkHolds(readLink(`${directory}/sha256/${hex}/link`), hex);
  } catch {
    // Listing it says what is wrong.
    return false;
  }
}

function readIndex(
  reader: RepositoryReader,
  tag: number,
  algorithm: DigestAlgorithm,
  parent: string,
  read: TagDirectories,
): void {
  for (const hex of reader.directories(parent, (name) => isDigestHex(algorithm, name))) {
    if (!isDigestHex(algorithm, hex)) {
      reader.addStray(`${parent}/${hex}`);
      continue;
    }
    const length = reader.readLink(`${parent}/${hex}`);
    if (length === ABSENT && isEmptied(reader, `${parent}/${hex}`))
      reader.builder.addOddIndexEntry(tag, algorithm, hex, undefined);
    if (length <= ABSENT) continue;
    read.links.push(`${parent}/${hex}`);
    if (algorithm === "sha256" && linkHolds(length, hex)) reader.builder.addIndexEntry(tag, hex);
    else reader.builder.addOddIndexEntry(tag, algorithm, hex, linkContent(length));
  }
}

/**
 * Whether an entry without its link had one. A registry that deletes takes the directory too, and one that is killed while it writes its first
 * link leaves that unfinished.
 */
function isEmptied(reader: RepositoryReader, entry: string): boolean {
  const listed = reader.list(entry);
  return listed !== undefined && listed.files.length + listed.directories.length === 0;
}
