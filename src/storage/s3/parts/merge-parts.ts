import fs from "node:fs";
import path from "node:path";
import { UsageError } from "../../../errors.js";
import { giveWay } from "../../../until-aborted.js";
import { mergeSegments } from "../cache-merge.js";
import { CacheSegment, listSegments, writeSegment } from "../cache-segment.js";
import { markMerged, removeMerged } from "./merge-marker.js";
import type { Merged } from "./merge-marker.js";
import { again, listPartFolders, readPartFile, refuseOther } from "./part-folder.js";
import type { PartFolder, PartStorage } from "./part-folder.js";

/** Bytes of a segment that a merge writes: so much is written before signals have their turn. */
const SEGMENT_BYTES = 256 * 1024 ** 2;

/** How parts are merged. */
export interface MergeOptions {
  /** Bytes that the cache may have. */
  readonly mostBytes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Hears of the entries that are done, of so many. */
  readonly onProgress?: ((done: number, of: number) => void) | undefined;
}

/**
 * Joins the finished parts in a cache's directory, and what the cache had, to segments in the order of the digests, none of which
 * overlaps another; then removes the parts. Reads and writes each entry once, a block at a time. Killed at any moment it has lost
 * nothing: it may be run again. Throws a `UsageError` for parts that are missing, of another storage, or damaged.
 */
export async function mergeParts(
  cache: string,
  storage: PartStorage,
  { mostBytes = Number.POSITIVE_INFINITY, signal, onProgress }: MergeOptions = {},
): Promise<Merged> {
  const before = removeMerged(cache, storage);
  if (before !== undefined && listPartFolders(cache).length === 0) return before;
  const folders = wholeSetOf(cache);
  const files = folders.flatMap((folder) => filesOf(folder, storage).map((file) => ({ file, folder })));
  const bytes = files.reduce((sum, { file }) => sum + fs.statSync(file).size, 0);
  if (bytes > mostBytes)
    throw new UsageError(`the parts have ${bytes} bytes, which is more than --cache-size: give it more, here and to each check`);
  const folderOf = new Map<CacheSegment, PartFolder>();
  const segments: CacheSegment[] = [];
  try {
    for (const { file, folder } of files) {
      const segment = CacheSegment.open(file);
      if (segment === undefined) throw damaged(file, folder);
      segments.push(segment);
      folderOf.set(segment, folder);
    }
    const own = listSegments(cache).flatMap((file) => CacheSegment.open(file) ?? []);
    segments.push(...own);
    const written = await writeMerged(
      cache,
      segments,
      (segment) => {
        const folder = folderOf.get(segment);
        // What the cache had is read from the bucket again where it is damaged.
        if (folder !== undefined) throw damaged(segment.file, folder);
      },
      { signal, onProgress },
    );
    const merged = { parts: folders.length, ...written };
    markMerged(
      cache,
      storage,
      merged,
      segments.map(({ file }) => file),
    );
    removeMerged(cache, storage);
    return merged;
  } finally {
    for (const segment of segments) segment.close();
  }
}

/** The folders of all parts of one division. */
function wholeSetOf(cache: string): PartFolder[] {
  const folders = fs.existsSync(cache) ? listPartFolders(cache) : [];
  const [first] = folders;
  if (first === undefined)
    throw new UsageError(
      `--cache ${cache}: there is no part in it: run regcheck manifests --part i/n, or copy the folders part-*-of-* here`,
    );
  const other = folders.find(({ parts }) => parts !== first.parts);
  if (other !== undefined)
    throw new UsageError(
      `--cache ${cache}: ${first.name} and ${other.name} are of different divisions: remove the folders of one of them`,
    );
  const there = new Set(folders.map(({ part }) => part));
  const missing = Array.from({ length: first.parts }, (_, part) => part).filter((part) => !there.has(part));
  const unfinished = folders.filter((folder) => readPartFile(folder) === undefined).map(({ part }) => part);
  if (missing.length + unfinished.length > 0)
    throw new UsageError(`--cache ${cache}: ${lackOf(first.parts, missing, unfinished)}`);
  return folders;
}

function lackOf(parts: number, missing: readonly number[], unfinished: readonly number[]): string {
  const name = (numbers: readonly number[]): string => {
    const shown = numbers.slice(0, 10).map((part) => `${part}/${parts}`);
    return numbers.length > shown.length ? `${shown.join(", ")} and ${numbers.length - shown.length} more` : shown.join(", ");
  };
  const lacks = [
    missing.length === 0 ? [] : [`there is no part ${name(missing)}`],
    unfinished.length === 0 ? [] : [`part ${name(unfinished)} was not finished`],
  ].flat();
  return `${lacks.join(", and ")}: run regcheck manifests --part for each of these`;
}

/** The segments of a finished part, checked against what it says of them. */
function filesOf(folder: PartFolder, storage: PartStorage): string[] {
  const finished = readPartFile(folder);
  if (finished === undefined) return [];
  refuseOther(folder, finished.storage, storage);
  return finished.files.map(({ name, bytes }) => {
    const file = path.join(folder.directory, name);
    const size = fs.statSync(file, { throwIfNoEntry: false })?.size;
    if (size === undefined) throw new UsageError(`${file} is missing: ${again(folder)}`);
    if (size !== bytes)
      throw new UsageError(`${file} has ${size} bytes instead of ${bytes}: it is cut short or was changed; ${again(folder)}`);
    return file;
  });
}

function damaged(file: string, folder: PartFolder): UsageError {
  return new UsageError(`${file} is damaged, or was written by another version of regcheck: remove it, and ${again(folder)}`);
}

/** Writes the merged entries, as segments that end at a size. Removes them all when it fails. */
async function writeMerged(
  cache: string,
  segments: readonly CacheSegment[],
  onDamage: (segment: CacheSegment) => void,
  { signal, onProgress = () => {} }: MergeOptions,
): Promise<{ readonly manifests: number; readonly bytes: number }> {
  const of = segments.reduce((sum, { count }) => sum + count, 0);
  const records = mergeSegments(segments, onDamage);
  const written: string[] = [];
  let manifests = 0;
  let bytes = 0;
  let next = records.next();
  const writeNext = (): void => {
    const file = writeSegment(cache, (writer) => {
      for (; next.done !== true && writer.bytes < SEGMENT_BYTES; next = records.next()) writer.addRecord(next.value);
      manifests += writer.entries;
    });
    written.push(file);
    bytes += fs.statSync(file).size;
  };
  try {
    while (next.done !== true) {
      writeNext();
      onProgress(manifests, of);
      await giveWay(signal);
    }
  } catch (error) {
    for (const file of written) fs.rmSync(file, { force: true });
    throw error;
  }
  return { manifests, bytes };
}
