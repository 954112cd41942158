import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { syncDirectory } from "../durable-files.js";
import { EXIT_CODES, operatorMessage, OperatorError } from "../errors.js";
import { jsonLine } from "../json-line.js";
import { causeOf } from "../system-errors.js";
import { makeDirectory } from "../make-directory.js";
import type { StorageIdentity } from "../storage/identity.js";
import type { ItemKind } from "./item-kinds.js";

/** An object that a sweep removed, or was about to. */
export interface JournalEntry {
  readonly kind: ItemKind;
  readonly path: string;
  readonly bytes: number;
  readonly digest?: string | undefined;
  readonly uploadId?: string | undefined;
  /** Of a tag whose `current/link` holds no digest: what that holds instead, in base64. */
  readonly before?: string | undefined;
  /** What it names was missing already: it may come back all the same. */
  readonly dangling?: boolean | undefined;
  /** Of a tag that is deleted for good, on a filesystem: when it was last written, in seconds since 1970. */
  readonly modified?: number | undefined;
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
  readonly storage: StorageIdentity;
  /** Where the objects went: nowhere, to a directory beside the registry's, or behind delete markers. A repair takes nothing away. */
  readonly mode: "delete" | "quarantine" | "versions" | "repair";
  /** What the run was. */
  readonly work: RunWork;
  /** When it began by the storage's clock, in whole seconds since 1970; undefined where the storage did not tell, and in journals of earlier versions. */
  readonly storageTime?: number | undefined;
}

/** Works that leave a journal. */
export type RunWork = "sweep" | "untag" | "repair";

/** The directory for journals: `/var/lib/regcheck` for root, otherwise below `XDG_STATE_HOME`. */
export function defaultJournalDirectory(environment: Readonly<Record<string, string | undefined>> = process.env): string {
  if (process.getuid?.() === 0) return "/var/lib/regcheck";
  const named = environment["XDG_STATE_HOME"] ?? "";
  // The specification: an empty one counts as none, and a relative one is to be ignored.
  return path.join(path.isAbsolute(named) ? named : path.join(os.homedir(), ".local/state"), "regcheck");
}

/** A name for a run: when it began, to the millisecond, so that names sort as runs came; and something that no other host has. */
export function makeRunId(now: Date, random: string): string {
  return `${now.toISOString().replace(/[-:.]/g, "")}-${random}`;
}

/** The file of a run's journal. */
export function journalFile(directory: string, runId: string): string {
  return path.join(directory, `${runId}.ndjson`);
}

/**
 * The record of a sweep, in a local file: what is about to be removed is on the disk before it is (safety rule 7). It is the audit,
 * and what `restore` reads. Throws an `OperatorError` when it cannot be written: no journal, no delete.
 */
export class Journal {
  readonly file: string;
  readonly #descriptor: number;
  /** A write has failed: the last line may be cut short, and what came after it would be read as a part of it, so that nothing does. */
  #broken: OperatorError | undefined;

  constructor(directory: string, head: JournalHead, startedAt = new Date().toISOString()) {
    this.file = journalFile(directory, head.runId);
    let descriptor: number | undefined;
    try {
      makeDirectory(directory);
      descriptor = fs.openSync(this.file, "wx", 0o600);
      append(descriptor, [journalLines.head(head, startedAt)]);
      syncDirectory(directory);
    } catch (error) {
      // A run that never began is none.
      if (descriptor !== undefined) fs.closeSync(descriptor);
      if (descriptor !== undefined) fs.rmSync(this.file, { force: true });
      throw new OperatorError(
        `${this.file}: the journal cannot be written (${causeOf(error)}), so nothing is removed. Choose another place with --journal-dir.`,
        EXIT_CODES.refused,
      );
    }
    this.#descriptor = descriptor;
  }

  /** Says what is about to be removed; on the disk when it returns. */
  willRemove(entries: readonly JournalEntry[]): void {
    this.#append(() => journalLines.removals(entries));
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

  /**
   * Closes the record of a run that has ended; says nothing more after a write that failed. Returns why the run stopped, which is the
   * journal itself where only this line could not be written: all objects are in it.
   */
  end(result: object, stopped: string | undefined): string | undefined {
    try {
      if (this.#broken === undefined) this.#write([{ type: "end", finishedAt: new Date().toISOString(), ...result, stopped }]);
      return stopped;
    } catch (error) {
      return stopped ?? operatorMessage(error);
    } finally {
      fs.closeSync(this.#descriptor);
    }
  }

  #write(lines: readonly object[]): void {
    this.#append(() => lines.map(jsonLine));
  }

  #append(lines: () => readonly string[]): void {
    if (this.#broken !== undefined) throw this.#broken;
    try {
      append(this.#descriptor, lines());
    } catch (error) {
      this.#broken = new OperatorError(
        `${this.file}: the journal cannot be written any more (${causeOf(error)}), so it ends here. It is safe to run again.`,
        EXIT_CODES.stopped,
      );
      throw this.#broken;
    }
  }
}

/** Why no journal can be made in a directory, in words; undefined where one can. Makes nothing. */
export function whyNoJournal(directory: string): string | undefined {
  const existing = nearest(path.resolve(directory));
  try {
    if (!fs.statSync(existing).isDirectory()) return `${existing} is no directory`;
    fs.accessSync(existing, fs.constants.W_OK | fs.constants.X_OK);
    return undefined;
  } catch (error) {
    return causeOf(error);
  }
}

/** The path, or the nearest above it that is there. */
function nearest(file: string): string {
  const parent = path.dirname(file);
  return parent === file || isThere(file) ? file : nearest(parent);
}

function isThere(file: string): boolean {
  try {
    return fs.statSync(file, { throwIfNoEntry: false }) !== undefined;
  } catch {
    // What lies below a file, or where nobody may look.
    return false;
  }
}

/** Lines of a journal, and of its copy. */
export const journalLines = {
  head: (head: JournalHead, startedAt: string): string => jsonLine({ type: "run", schemaVersion: "1.0", startedAt, ...head }),
  removals: (entries: readonly JournalEntry[]): string[] => entries.map(removalLine),
};

/** Of an object, without a copy of it: there may be millions. */
function removalLine(entry: JournalEntry): string {
  return `{"type":"remove",${jsonLine(entry).slice(1)}`;
}

/** Says in a run's journal what has become of the run since; where there is no such file, or it can take no more, that is not said. */
export function noteFate(directory: string, runId: string, fate: "restored" | "purged"): void {
  try {
    const file = journalFile(directory, runId);
    const last = fs.openSync(file, "r+");
    try {
      const { size } = fs.fstatSync(last);
      const end = Buffer.alloc(1);
      // Behind a line that was cut short, this would be damage in the middle.
      if (size === 0 || fs.readSync(last, end, 0, 1, size - 1) !== 1 || end.toString() !== "\n") return;
      fs.writeSync(last, jsonLine({ type: fate, at: new Date().toISOString() }), size);
    } finally {
      fs.closeSync(last);
    }
  } catch {
    // The storage tells it as well.
  }
}

function append(descriptor: number, lines: readonly string[]): void {
  // Not `writeSync`, which on a disk that fills up writes a part and calls it a success.
  fs.writeFileSync(descriptor, lines.join(""));
  fs.fsyncSync(descriptor);
}
