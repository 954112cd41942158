import path from "node:path";
import { LAYERS_DIRECTORY, MANIFESTS_DIRECTORY, TAG_CURRENT, UPLOADS_DIRECTORY } from "../registry/layout.js";
import { orderOf } from "../journal/item-kinds.js";
import type { JournalEntry } from "../journal/journal.js";
import type { PlanItem } from "./plan.js";

/** Objects in a batch: one journal entry each, one sync, and on S3 one request. */
export const BATCH = 1000;
/** The same where they depend on nothing: threads share them, and each batch waits for the last of these. */
const INDEPENDENT_BATCH = 5 * BATCH;
/** One of the objects that an item consists of, or an item without any: an empty directory. */
export interface Piece {
  readonly item: PlanItem;
  readonly entry: JournalEntry | undefined;
  /** Nothing of the item comes after it. */
  readonly isLast: boolean;
}

/** A batch is of objects: on S3 it is one request, however many of them an upload has. */
export function* piecesOf(items: Iterable<PlanItem>): Generator<Piece> {
  for (const item of items) {
    const entries = objectsOf(item);
    if (entries.length === 0) yield { item, entry: undefined, isLast: true };
    for (const [i, entry] of entries.entries()) yield { item, entry, isLast: i === entries.length - 1 };
  }
}

/**
 * Those that the mark has seen, so that nothing goes that was written since. A tag's history goes before its `current/link`: killed in
 * between, it is still a dangling tag that another run finds.
 */
function objectsOf(item: PlanItem): readonly JournalEntry[] {
  const { kind, digest, dangling, objects } = item;
  if (kind === "directory") return [];
  if (objects === undefined) return [item];
  return objects
    .filter(({ isStray }) => isStray !== true)
    .map(({ name, bytes }) => ({
      kind,
      path: `${item.path}/${name}`,
      bytes,
      ...(name === TAG_CURRENT ? { digest, dangling } : {}),
    }));
}

const OWN_DIRECTORIES = [LAYERS_DIRECTORY, MANIFESTS_DIRECTORY, UPLOADS_DIRECTORY];

/** The directories that were made for the object alone: a digest's, a tag's, an upload's. Those above them the registry may be using. */
export function emptied({ kind, path: object, tag }: PlanItem): string[] {
  switch (kind) {
    case "multipart":
      return [];
    case "tag":
    case "upload":
      return [object];
    case "directory":
      // A repository's own directories first: other repositories may lie below it.
      return tag === undefined ? [...OWN_DIRECTORIES.map((own) => `${object}/${own}`), object] : [object];
    case "tag-index":
    case "revision":
    case "layer-link":
    case "blob":
      return [path.posix.dirname(object)];
  }
}

/** How many pieces are a batch that begins with this one. */
export function batchOf({ item }: Piece): number {
  return orderOf([item]) === "any order" ? INDEPENDENT_BATCH : BATCH;
}
