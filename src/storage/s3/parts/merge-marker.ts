import fs from "node:fs";
import path from "node:path";
import { replaceFile, syncDirectory } from "../../../durable-files.js";
import { UsageError } from "../../../errors.js";
import { listSegments } from "../cache-segment.js";
import { fieldsOf, isCount, listPartFolders, otherStorage, parseJson, parseStorage, partSegment } from "./part-folder.js";
import type { PartStorage } from "./part-folder.js";

/** Lies in a cache's directory from the moment when all is merged until what was merged is removed. */
const MARKER = "regcheck-merged.json";
const SCHEMA_VERSION = "1.0";

/** The result of a merge. */
export interface Merged {
  readonly parts: number;
  /** Entries of the cache. */
  readonly manifests: number;
  readonly bytes: number;
}

/** Says durably that the segments in these files are merged, and may go. The cache's own segments are on the disk then. */
export function markMerged(cache: string, storage: PartStorage, merged: Merged, segments: readonly string[]): void {
  const names = segments.map((file) => path.basename(file));
  const content = { schemaVersion: SCHEMA_VERSION, storage, ...merged, segments: names };
  syncDirectory(cache);
  replaceFile(path.join(cache, MARKER), (descriptor) => {
    fs.writeFileSync(descriptor, `${JSON.stringify(content, undefined, 2)}\n`);
  });
  syncDirectory(cache);
}

/**
 * Removes what a merge that came to its end has merged; a killed one may have removed a part of it. A part that was read again since has
 * segments that are not merged: it stays. Returns what was merged; undefined where no merge has left anything. Throws a `UsageError` where it
 * was of another storage.
 */
export function removeMerged(cache: string, storage: PartStorage): Merged | undefined {
  const file = path.join(cache, MARKER);
  if (!fs.existsSync(file)) return undefined;
  const marker = parseMarker(fs.readFileSync(file, "utf8"));
  if (marker === undefined) return undefined;
  const other = otherStorage(marker.storage, storage);
  if (other !== undefined) throw new UsageError(`${file} is of a merge ${other}`);
  const isMerged = (segment: string): boolean => marker.segments.has(path.basename(segment));
  for (const segment of listSegments(cache)) if (isMerged(segment)) fs.rmSync(segment, { force: true });
  for (const folder of listPartFolders(cache))
    if (
      folder.parts === marker.merged.parts &&
      listSegments(folder.directory).every((segment) => isMerged(segment) || partSegment(segment) === undefined)
    )
      fs.rmSync(folder.directory, { recursive: true, force: true });
  // Were the marker gone from the disk and a part not, the rest would have to be read again.
  syncDirectory(cache);
  fs.rmSync(file, { force: true });
  return marker.merged;
}

function parseMarker(text: string) {
  const { storage, parts, manifests, bytes, segments } = fieldsOf(parseJson(text));
  const of = parseStorage(storage);
  if (of === undefined || !isCount(parts) || !isCount(manifests) || !isCount(bytes) || !Array.isArray(segments)) return undefined;
  const names = new Set<unknown>(segments);
  return { storage: of, merged: { parts, manifests, bytes }, segments: names };
}
