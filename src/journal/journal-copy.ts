import fs from "node:fs";
import { UsageError } from "../errors.js";
import type { StorageChanges } from "../storage/changes.js";
import { journalFile, journalLines } from "./journal.js";
import type { JournalEntry, JournalHead } from "./journal.js";
import { journalCopyOf } from "./quarantine.js";
import { makeTemporaryDirectory, withTemporaryFiles } from "../temporary-directory.js";
import { untilAborted } from "../until-aborted.js";
import { parseRunHead } from "./read-run.js";
import type { RunHead } from "./read-run.js";

/**
 * The copy of a run's journal that lies in its quarantine, or where that would be if a bucket did not keep versions: with the disk that the journal is on, the way back would be lost. An object for
 * each batch, since a bucket cannot append to one.
 */
export class JournalCopy {
  #parts = 0;

  constructor(
    private readonly head: JournalHead,
    private readonly startedAt: string,
    private readonly changes: StorageChanges,
  ) {}

  /** Says what is about to be moved; in the storage when it returns. Throws an `OperatorError`. */
  async willRemove(entries: readonly JournalEntry[]): Promise<void> {
    const { head, startedAt, changes } = this;
    const part = this.#parts++;
    const lines = journalLines.removals(entries);
    const text = part === 0 ? [journalLines.head(head, startedAt), ...lines] : lines;
    const name = `${journalCopyOf(head.runId)}/${String(part).padStart(8, "0")}.ndjson`;
    await changes.store(name, Buffer.from(text.join("")));
  }
}

/** The parts of a copy, in order; none where there is no copy. Throws an `OperatorError`. */
async function partsOf(runId: string, changes: StorageChanges): Promise<readonly string[]> {
  return (await filesOf(runId, changes)).filter(isPart).sort();
}

/** All that lies where a copy is: a run that was killed while it stored a part has left an unfinished one. Throws an `OperatorError`. */
async function filesOf(runId: string, changes: StorageChanges): Promise<readonly string[]> {
  const files: string[] = [];
  for await (const { path: file } of changes.list(journalCopyOf(runId))) files.push(file);
  return files;
}

function isPart(file: string): boolean {
  return file.endsWith(".ndjson");
}

/** Whether a run that has moved nothing was killed before the first part of its copy was stored: it has taken nothing. Throws an `OperatorError`. */
export async function neverBegan(runId: string, changes: StorageChanges): Promise<boolean> {
  return (await partsOf(runId, changes)).length === 0;
}

/** The first line of a copy; undefined where there is no copy, or it does not begin as one does. Throws an `OperatorError`. */
export async function readCopiedHead(runId: string, changes: StorageChanges): Promise<RunHead | undefined> {
  const [first] = await partsOf(runId, changes);
  const content = first === undefined ? undefined : await changes.read(first);
  const line = content && Buffer.from(content).toString("utf8").split("\n", 1)[0];
  return line === undefined ? undefined : parseRunHead(line, runId);
}

/** Removes the copy, and what an unfinished part has left: when nothing else is in the quarantine any more. */
export async function removeJournalCopy(runId: string, changes: StorageChanges): Promise<void> {
  const files = await filesOf(runId, changes);
  const [first] = files.filter(isPart).sort();
  // The first part has the run's head: as long as anything is there, it is.
  for (const some of [files.filter((file) => file !== first), first === undefined ? [] : [first]])
    if (some.length > 0) await changes.remove(some);
  if (files.length > 0) await changes.pruneDirectories([journalCopyOf(runId)]);
}

/**
 * Does some work with the copy of a run's journal, in a directory of its own that is gone afterwards; undefined where the storage has no copy.
 * Throws an `OperatorError` where it cannot be read, and the signal's reason where that aborts while it is.
 */
export async function withJournalCopy<T>(
  runId: string,
  changes: StorageChanges,
  work: (directory: string) => Promise<T>,
  signal: AbortSignal,
): Promise<{ readonly result: T } | undefined> {
  const parts = await untilAborted(partsOf(runId, changes), signal);
  if (parts.length === 0) return undefined;
  const directory = makeTemporaryDirectory("journal");
  try {
    for (const part of parts) {
      const content = (await untilAborted(changes.read(part), signal)) ?? "";
      withTemporaryFiles(() => fs.appendFileSync(journalFile(directory.path, runId), content));
    }
    return { result: await work(directory.path) };
  } catch (error) {
    throw ofTheCopy(error, journalFile(directory.path, runId), journalCopyOf(runId));
  } finally {
    directory.remove();
  }
}

/** What is wrong with a copy is told of where it is kept, not of the file that it was put together in. */
function ofTheCopy(error: unknown, file: string, kept: string): unknown {
  if (!(error instanceof UsageError) || !error.message.includes(file)) return error;
  return new UsageError(error.message.replaceAll(file, kept), { cause: error });
}
