import { soundHex } from "../../registry/link.js";
import type { RepositoryListingBuilder } from "../listing-builder.js";
import type { LinkReads } from "./link-reads.js";
import type { OpenTag } from "./open-directories.js";

type IndexEntry = OpenTag["index"][number];

/** Adds a tag whose keys are all known: what it names now, and its history. */
export function readTag(reads: LinkReads, builder: RepositoryListingBuilder, open: OpenTag): void {
  const { name, current, index } = open;
  if (current === undefined) {
    readRest(reads, builder, builder.addOddTag(name, undefined, 0), open);
    return;
  }
  const entry = index.find(
    ({ path, object }) => path.algorithm === "sha256" && object.etag === current.etag && reads.links.holds(current, path.hex),
  );
  if (entry !== undefined) {
    readRest(reads, builder, builder.addTag(name, entry.path.hex, current.modified), open);
    return;
  }
  const use = (content: Uint8Array): void => {
    const hex = soundHex(content);
    const { modified } = current;
    const tag = hex === undefined ? builder.addOddTag(name, content, modified) : builder.addTag(name, hex, modified);
    readRest(reads, builder, tag, open);
  };
  reads.read(builder, current, use, () => reads.add(readLost(reads, builder, open)));
}

function readRest(reads: LinkReads, builder: RepositoryListingBuilder, tag: number, { index, others }: OpenTag): void {
  for (const name of others) builder.addTagObject(tag, name);
  for (const { path, object } of index) {
    if (path.algorithm === "sha256" && reads.links.holds(object, path.hex)) builder.addIndexEntry(tag, path.hex);
    else reads.read(builder, object, (content) => addEntry(builder, tag, path, content));
  }
}

/**
 * Adds a tag whose `current/link` has gone since it was listed. Deleting a tag removes all below it: what is left of its history is read, and
 * where that has gone too, there is no such tag.
 */
async function readLost(reads: LinkReads, builder: RepositoryListingBuilder, { name, index, others }: OpenTag): Promise<void> {
  const read = await Promise.all(
    index.map(async ({ path, object }) => ({ path, object, outcome: await reads.links.read(object) })),
  );
  const left = read.filter(({ outcome }) => !("gone" in outcome));
  if (left.length + others.length === 0) return;
  const tag = builder.addOddTag(name, undefined, 0);
  for (const other of others) builder.addTagObject(tag, other);
  for (const { path, object, outcome } of left) {
    if ("content" in outcome) addEntry(builder, tag, path, outcome.content);
    else if ("fault" in outcome) reads.addFault(builder, object, outcome.fault);
  }
}

function addEntry(
  builder: RepositoryListingBuilder,
  tag: number,
  { algorithm, hex }: IndexEntry["path"],
  content: Uint8Array,
): void {
  if (algorithm === "sha256" && soundHex(content) === hex) builder.addIndexEntry(tag, hex);
  else builder.addOddIndexEntry(tag, algorithm, hex, content);
}
