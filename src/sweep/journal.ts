import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { errorMessage, EXIT_CODES, OperatorError, UsageError } from "../errors.js";
import { makeDirectory } from "../make-directory.js";
import type { ItemKind } from "./plan.js";

/** An object that a sweep removed, or was about to. */
export interface JournalEntry {
  readonly kind: ItemKind;
  readonly path: string;
  readonly bytes: number;
  readonly digest?: string | undefined;
  readonly uploadId?: string | undefined;
}

/** A link that a repair wrote, or was about to. */
export interface JournalWrite {
  /** The finding that it was for. */
  readonly code: string;
  readonly path: string;
  /** What the link holds from then on. */
  readonly content: string;
  /** What it held before, byte for byte; undefined where there was no link. */
  readonly before: Uint8Array | undefined;
}

/** What a run says of itself. */
export interface JournalHead {
  readonly runId: string;
  readonly storage: { readonly driver: string; readonly location: string };
  /** Where the objects went: nowhere, to a directory beside the registry's, or behind delete markers. A repair takes nothing away. */
  readonly mode: "delete" | "quarantine" | "versions" | "repair";
}

/** The directory for journals: `/var/lib/regcheck` for root, otherwise below `XDG_STATE_HOME`. */
export function defaultJournalDirectory(environment: Readonly<Record<string, string | undefined>> = process.env): string {
  if (process.getuid?.() === 0) return "/var/lib/regcheck";
  return path.join(environment["XDG_STATE_HOME"] ?? path.join(os.homedir(), ".local/state"), "regcheck");
}

/** A name for a run: when it began, to the millisecond, so that names sort as runs came; and something that no other host has. */
export function makeRunId(now: Date, random: string): string {
  return `${now.toISOString().replace(/[-:.]/g, "")}-${random}`;
}

const RUN_ID = /^\d{8}T\d{9}Z-\w+$/;

function journalFile(directory: string, runId: string): string {
  return path.join(directory, `${runId}.ndjson`);
}

/**
 * The record of a sweep, in a local file: what is about to be removed is on the disk before it is (safety rule 7). It is the audit,
 * and what `restore` reads. Throws an `OperatorError` when it cannot be written: no journal, no delete.
 */
export class Journal {
  readonly file: string;
  readonly #descriptor: number;

  constructor(directory: string, head: JournalHead) {
    this.file = journalFile(directory, head.runId);
    try {
      makeDirectory(directory);
      this.#descriptor = fs.openSync(this.file, "wx", 0o600);
    } catch (error) {
      throw new OperatorError(
        `${this.file}: the journal cannot be written (${errorMessage(error)}), so nothing is removed. Choose another place with --journal-dir.`,
        EXIT_CODES.refused,
      );
    }
    this.#write([{ type: "run", schemaVersion: "1.0", startedAt: new Date().toISOString(), ...head }]);
    syncDirectory(directory);
  }

  /** Says what is about to be removed; on the disk when it returns. */
  willRemove(entries: readonly JournalEntry[]): void {
    this.#write(entries.map((entry) => ({ type: "remove", ...entry })));
  }

  /** Says what is about to be written, and what is there before; on the disk when it returns. */
  willWrite(writes: readonly JournalWrite[]): void {
    this.#write(
      writes.map(({ before, ...write }) => ({
        type: "write",
        ...write,
        before: before === undefined ? undefined : Buffer.from(before).toString("base64"),
      })),
    );
  }

  /** Says what became of objects where that is not what was said: failures, and delete markers. */
  became(outcomes: readonly object[]): void {
    if (outcomes.length > 0) this.#write(outcomes.map((outcome) => ({ type: "outcome", ...outcome })));
  }

  /** Closes the record of a run that came to an end. */
  end(result: object): void {
    this.#write([{ type: "end", finishedAt: new Date().toISOString(), ...result }]);
    fs.closeSync(this.#descriptor);
  }

  #write(lines: readonly object[]): void {
    try {
      // Not `writeSync`, which on a disk that fills up writes a part and calls it a success.
      fs.writeFileSync(this.#descriptor, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
      fs.fsyncSync(this.#descriptor);
    } catch (error) {
      throw new OperatorError(
        `${this.file}: the journal cannot be written any more (${errorMessage(error)}), so the sweep ends here. It is safe to run again.`,
        EXIT_CODES.stopped,
      );
    }
  }
}

function syncDirectory(directory: string): void {
  const descriptor = fs.openSync(directory, "r");
  fs.fsyncSync(descriptor);
  fs.closeSync(descriptor);
}

/** A run as its journal tells it. */
export interface JournaledRun {
  readonly head: JournalHead;
  readonly startedAt: string;
  readonly entries: readonly JournalEntry[];
  readonly writes: readonly JournalWrite[];
  /** By path: the version id of the delete marker. */
  readonly deleteMarkers: ReadonlyMap<string, string>;
}

/** The runs that a directory has journals of, oldest first. */
export function listRuns(directory: string): string[] {
  if (!fs.existsSync(directory)) return [];
  return fs
    .readdirSync(directory)
    .filter((file) => file.endsWith(".ndjson"))
    .map((file) => file.slice(0, -".ndjson".length))
    .filter((runId) => RUN_ID.test(runId))
    .sort();
}

/** Reads a run's journal. A last line that was cut short by a crash says nothing: its objects were not touched. Throws a `UsageError`. */
export function readRun(directory: string, runId: string): JournaledRun {
  if (!RUN_ID.test(runId)) throw new UsageError(`${runId}: not the name of a run, such as 20260131T030000000Z-1a2b3c`);
  const file = journalFile(directory, runId);
  let text: string;
  try {
    text = fs.readFileSync(file, "utf8");
  } catch (error) {
    const known = listRuns(directory).slice(-5);
    throw new UsageError(
      `${file}: ${errorMessage(error)}. ${known.length === 0 ? `There are no runs in ${directory}; --journal-dir names another place.` : `The last runs are ${known.join(", ")}.`}`,
    );
  }
  const lines = text
    .slice(0, text.lastIndexOf("\n"))
    .split("\n")
    .map((line, i) => parseLine(line, `${file}:${i + 1}`));
  const [first, ...rest] = lines;
  const head = first === undefined ? undefined : parseHead(first);
  if (head?.runId !== runId) throw new UsageError(`${file}: not a journal of regcheck's run ${runId}`);
  const entries = rest.flatMap((line) => (line["type"] === "remove" ? (parseEntry(line) ?? []) : []));
  const writes = rest.flatMap((line) => (line["type"] === "write" ? (parseWrite(line) ?? []) : []));
  const deleteMarkers = new Map<string, string>();
  for (const { path: object, deleteMarker } of rest)
    if (typeof object === "string" && typeof deleteMarker === "string") deleteMarkers.set(object, deleteMarker);
  return { head, startedAt: String(first?.["startedAt"]), entries, writes, deleteMarkers };
}

type Line = Readonly<Record<string, unknown>>;

function parseLine(text: string, place: string): Line {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return { ...value };
  } catch {
    // Said below.
  }
  throw new UsageError(`${place}: the journal is damaged here: expected a JSON object`);
}

function parseHead(line: Line): JournalHead | undefined {
  const { type, runId, storage, mode } = line;
  if (type !== "run" || typeof runId !== "string" || typeof storage !== "object" || storage === null) return undefined;
  if (mode !== "delete" && mode !== "quarantine" && mode !== "versions" && mode !== "repair") return undefined;
  if (!("driver" in storage) || !("location" in storage)) return undefined;
  return { runId, mode, storage: { driver: String(storage.driver), location: String(storage.location) } };
}

function parseEntry({ kind, path: object, bytes, digest, uploadId }: Line): JournalEntry | undefined {
  if (typeof kind !== "string" || typeof object !== "string" || object.split("/").includes("..")) return undefined;
  return {
    // Written by `willRemove`; a kind of a later version is treated as any other object.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    kind: kind as ItemKind,
    path: object,
    bytes: typeof bytes === "number" ? bytes : 0,
    digest: typeof digest === "string" ? digest : undefined,
    uploadId: typeof uploadId === "string" ? uploadId : undefined,
  };
}

function parseWrite({ code, path: object, content, before }: Line): JournalWrite | undefined {
  if (typeof code !== "string" || typeof object !== "string" || typeof content !== "string") return undefined;
  if (object.split("/").includes("..")) return undefined;
  return { code, path: object, content, before: typeof before === "string" ? Buffer.from(before, "base64") : undefined };
}
