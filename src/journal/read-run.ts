import fs from "node:fs";
import { UsageError } from "../errors.js";
import { isRunId } from "../storage/run-name.js";
import { causeOf, codeOf } from "../system-errors.js";
import type { StorageIdentity } from "../storage/identity.js";
import { journalFile } from "./journal.js";
import type { JournalEntry, JournalHead, JournalWrite } from "./journal.js";
import { readLines, readLinesBackwards } from "./lines.js";
import type { ItemKind } from "./item-kinds.js";

/** A run as the first line of its journal tells it. */
export interface RunHead {
  readonly head: JournalHead;
  readonly startedAt: string;
}

/** An object that a run removed, or was about to. */
export interface Removal extends JournalEntry {
  /** S3, versioned bucket: the version id of the delete marker that the run knows of. */
  readonly deleteMarker: string | undefined;
}

/** A run as its journal tells it. There may be millions of removals: they are read from the file whenever they are asked for. */
export interface JournaledRun extends RunHead {
  /** Last first. */
  readonly removals: () => Iterable<Removal>;
  readonly writes: readonly JournalWrite[];
  /** Whether any of the objects is known to be behind a delete marker. */
  readonly hasDeleteMarkers: boolean;
  /** What has become of it since, and when. */
  readonly fate: RunFate | undefined;
}

/** What has become of a run, and when; a time as the journal has it. */
export interface RunFate {
  readonly state: "restored" | "purged";
  readonly at: string;
}

/** The runs that a directory has journals of, oldest first; none where there is no directory. Throws a `UsageError`. */
export function listRuns(directory: string): string[] {
  let files: readonly string[];
  try {
    files = fs.readdirSync(directory);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw new UsageError(`${directory}: the journals there cannot be listed: ${causeOf(error)}`, { cause: error });
  }
  return files
    .filter((file) => file.endsWith(".ndjson"))
    .map((file) => file.slice(0, -".ndjson".length))
    .filter((runId) => isRunId(runId))
    .sort();
}

/** Reads the first line of a run's journal; undefined where it was cut short: the run never began. Throws a `UsageError`. */
export function readRunHead(directory: string, runId: string): RunHead | undefined {
  return withJournal(directory, runId, (file) => {
    for (const line of readLines(file)) {
      // All of the first line, and its newline, were on the disk before anything was touched.
      if (fs.statSync(file).size <= Buffer.byteLength(line)) return undefined;
      return headOf(parseLine(line, `${file}:1`), file, runId);
    }
    return undefined;
  });
}

/**
 * Reads a run's journal. A last line that is damaged says nothing: it was cut short by a crash or a full disk, so it was not yet on the
 * disk for certain, and what it tells of was not touched; nothing but the run's end was ever written behind it. Damage anywhere else is
 * somebody else's. Throws a `UsageError`.
 */
export function readRun(directory: string, runId: string): JournaledRun {
  const run = readRunHead(directory, runId);
  if (run === undefined)
    throw new UsageError(`run ${runId} never began: its journal is empty, so nothing was removed. The file can be deleted.`);
  return withJournal(directory, runId, (file) => {
    const writes: JournalWrite[] = [];
    let hasDeleteMarkers = false;
    let fate: RunFate | undefined;
    for (const line of linesOf(file)) {
      hasDeleteMarkers ||= markerOf(line) !== undefined;
      fate = fateOf(line) ?? fate;
      const write = line["type"] === "write" ? parseWrite(line) : undefined;
      if (write !== undefined) writes.push(write);
    }
    return { ...run, writes, hasDeleteMarkers, fate, removals: () => readRemovals(file) };
  });
}

/** Whether a run's journal has a line of a kind, read up to the first such one. A damaged line is none. Throws a `UsageError`. */
export function hasLine(directory: string, runId: string, isSuch: (line: Line) => boolean): boolean {
  return withJournal(directory, runId, (file) => {
    for (const text of readLines(file)) {
      const line = parseObject(text);
      if (line !== undefined && isSuch(line)) return true;
    }
    return false;
  });
}

/** What is said of an object comes after it, and in the same batch: few are kept in mind at a time. */
function* readRemovals(file: string): Generator<Removal> {
  const markers = new Map<string, string>();
  let isLast = true;
  for (const text of readLinesBackwards(file)) {
    const line = parseObject(text);
    if (line === undefined && !isLast) throw damaged(file);
    isLast = false;
    const marker = line && markerOf(line);
    if (marker !== undefined) markers.set(marker.path, marker.id);
    const entry = line?.["type"] === "remove" ? parseEntry(line) : undefined;
    if (entry === undefined) continue;
    yield { ...entry, deleteMarker: markers.get(entry.path) };
    markers.delete(entry.path);
  }
}

function withJournal<T>(directory: string, runId: string, read: (file: string) => T): T {
  if (!isRunId(runId)) throw new UsageError(`${runId}: not the name of a run, such as 20260131T030000000Z-1a2b3c`);
  const file = journalFile(directory, runId);
  try {
    return read(file);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const known = listRuns(directory).slice(-5);
    throw new UsageError(
      `${file}: ${causeOf(error)}. ${known.length === 0 ? `There are no runs in ${directory}; --journal-dir names another place, and --storage the storage whose quarantine has a copy.` : `The last runs are ${known.join(", ")}.`}`,
    );
  }
}

type Line = Readonly<Record<string, unknown>>;

/** All lines but a last one that is damaged. */
function* linesOf(file: string): Generator<Line> {
  let number = 0;
  let damage: UsageError | undefined;
  for (const text of readLines(file)) {
    number++;
    if (damage !== undefined) throw damage;
    const line = parseObject(text);
    if (line === undefined) damage = damaged(`${file}:${number}`);
    else yield line;
  }
}

function parseLine(text: string, place: string): Line {
  const line = parseObject(text);
  if (line === undefined) throw damaged(place);
  return line;
}

function damaged(place: string): UsageError {
  return new UsageError(`${place}: the journal is damaged here: expected a JSON object`);
}

function parseObject(text: string): Line | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/** The first line of a journal; undefined for anything else. */
export function parseRunHead(text: string, runId: string): RunHead | undefined {
  const line = parseObject(text);
  const head = line && parseHead(line);
  return head?.runId === runId ? { head, startedAt: String(line?.["startedAt"]) } : undefined;
}

/** How a run ended, and what was done about it since, from the last lines of its journal. Throws a `UsageError`. */
export function readRunEnd(
  directory: string,
  runId: string,
): { readonly fate: RunFate | undefined; readonly removedBytes: number | undefined; readonly didNothing: boolean } {
  return withJournal(directory, runId, (file) => {
    let fate: RunFate | undefined;
    for (const text of readLinesBackwards(file)) {
      const line = parseObject(text);
      fate ??= line && fateOf(line);
      if (line?.["type"] === "end") return { fate, removedBytes: bytesOf(line["deleted"]), didNothing: isNothing(line) };
      if (line !== undefined && line["type"] !== "restored" && line["type"] !== "purged") break;
    }
    return { fate, removedBytes: undefined, didNothing: false };
  });
}

/** Whether a run's end counts nothing that it has removed, or written. */
function isNothing({ deleted, written }: Line): boolean {
  if (typeof deleted !== "object" || deleted === null) return written === 0;
  return Object.values(deleted).every((count) => count === 0);
}

function bytesOf(deleted: unknown): number | undefined {
  if (typeof deleted !== "object" || deleted === null || !("bytes" in deleted)) return undefined;
  return typeof deleted.bytes === "number" ? deleted.bytes : undefined;
}

function headOf(line: Line, file: string, runId: string): RunHead {
  const head = parseHead(line);
  if (head?.runId !== runId) throw new UsageError(`${file}: not a journal of regcheck's run ${runId}`);
  return { head, startedAt: String(line["startedAt"]) };
}

function parseHead(line: Line): JournalHead | undefined {
  const { type, runId, storage, mode, work, storageTime } = line;
  const identity = parseStorage(storage);
  if (type !== "run" || typeof runId !== "string" || identity === undefined) return undefined;
  if (mode !== "delete" && mode !== "quarantine" && mode !== "versions" && mode !== "repair") return undefined;
  const isWork = work === "sweep" || work === "untag" || work === "repair";
  return {
    runId,
    mode,
    // Journals of earlier versions do not tell.
    work: isWork ? work : mode === "repair" ? "repair" : "sweep",
    storage: identity,
    storageTime: typeof storageTime === "number" ? storageTime : undefined,
  };
}

/** Which storage a line is about; undefined where it does not tell. */
export function parseStorage(storage: unknown): StorageIdentity | undefined {
  if (typeof storage !== "object" || storage === null || !("driver" in storage) || !("location" in storage)) return undefined;
  const server = "server" in storage ? { server: String(storage.server) } : {};
  const id = "id" in storage ? { id: String(storage.id) } : {};
  return { driver: String(storage.driver), location: String(storage.location), ...server, ...id };
}

function fateOf({ type, at }: Line): RunFate | undefined {
  return type === "restored" || type === "purged" ? { state: type, at: String(at) } : undefined;
}

function markerOf({ path, deleteMarker }: Line): { readonly path: string; readonly id: string } | undefined {
  return typeof path === "string" && typeof deleteMarker === "string" ? { path, id: deleteMarker } : undefined;
}

function parseEntry({ kind, path: object, bytes, digest, before, uploadId, dangling, modified }: Line): JournalEntry | undefined {
  if (typeof kind !== "string" || typeof object !== "string" || object.split("/").includes("..")) return undefined;
  return {
    // Written by `willRemove`; a kind of a later version is treated as any other object.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    kind: kind as ItemKind,
    path: object,
    bytes: typeof bytes === "number" ? bytes : 0,
    digest: typeof digest === "string" ? digest : undefined,
    before: typeof before === "string" ? before : undefined,
    uploadId: typeof uploadId === "string" ? uploadId : undefined,
    dangling: dangling === true,
    modified: typeof modified === "number" && modified >= 0 ? modified : undefined,
  };
}

function parseWrite({ code, path: object, content, before }: Line): JournalWrite | undefined {
  if (typeof code !== "string" || typeof object !== "string" || typeof content !== "string") return undefined;
  if (object.split("/").includes("..")) return undefined;
  return { code, path: object, content, before: typeof before === "string" ? Buffer.from(before, "base64") : undefined };
}
