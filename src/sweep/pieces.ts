import path from "node:path";
import { LAYERS_DIRECTORY, MANIFESTS_DIRECTORY, TAG_CURRENT, UPLOADS_DIRECTORY } from "../registry/layout.js";
import type { ItemKind } from "../journal/item-kinds.js";
import type { JournalEntry } from "../journal/journal.js";
import type { PlanItem } from "./plan.js";

/** Objects in a batch, at most: one journal entry each, one sync, and on S3 one request. */
export const BATCH = 1000;

/** One of the objects that an item consists of, or an item without any: an empty directory. */
export interface Piece {
  readonly item: PlanItem;
  readonly entry: JournalEntry | undefined;
  /** Nothing of the item comes after it. */
  readonly isLast: boolean;
}

/** Whether the item is one object: most are, of which there may be millions. */
export function isWhole({ kind, objects }: PlanItem): boolean {
  return objects === undefined && kind !== "directory";
}

/** A batch is of objects: on S3 it is one request, however many of them an upload has. */
export function* piecesOf(items: Iterable<PlanItem>): Generator<Piece> {
  for (const item of items) {
    if (isWhole(item)) {
      yield { item, entry: item, isLast: true };
      continue;
    }
    const entries = objectsOf(item);
    if (entries.length === 0) yield { item, entry: undefined, isLast: true };
    for (const [i, entry] of entries.entries()) yield { item, entry, isLast: i === entries.length - 1 };
  }
}

/**
 * Those that the mark has seen, so that nothing goes that was written since. A tag's history goes before its `current/link`: killed in
 * between, it is still a dangling tag that another run finds.
 */
function objectsOf({ path: directory, kind, digest, before, dangling, objects = [] }: PlanItem): readonly JournalEntry[] {
  if (kind === "directory") return [];
  return objects
    .filter(({ isStray }) => isStray !== true)
    .map(({ name, bytes }) => ({
      kind,
      path: `${directory}/${name}`,
      bytes,
      ...(name === TAG_CURRENT ? { digest, before, dangling } : {}),
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

/** Those of the items that end with one of the objects: of each, the objects before are in the same order. */
export function itemsOf(pieces: readonly Piece[], objects: ReadonlySet<JournalEntry>): PlanItem[] {
  return pieces.flatMap(({ item, entry, isLast }) => (isLast && entry !== undefined && objects.has(entry) ? [item] : []));
}

/** What has several directories, or nothing else. */
const HOLDING_DIRECTORIES: ReadonlySet<ItemKind> = new Set(["tag", "upload", "directory"]);

/** The directories of these items that may hold nothing at all, or directories that do. */
export function mayHoldNothing(items: readonly PlanItem[]): string[] {
  return items.filter(({ kind }) => HOLDING_DIRECTORIES.has(kind)).flatMap(emptied);
}
