import fs from "node:fs";
import { UsageError } from "../errors.js";
import type { StorageChanges } from "../storage/changes.js";
import { describeStorage, isAtSamePlace, isSameStorage } from "../storage/identity.js";
import { STORAGE_ID } from "../registry/layout.js";
import { journalFile } from "../journal/journal.js";
import { withJournalCopy } from "../journal/journal-copy.js";
import { readRunHead } from "../journal/read-run.js";
import { isRunId } from "../storage/run-name.js";
import type { RunHead } from "../journal/read-run.js";
import { openStorage, withChanges } from "./open-storage.js";
import type { OpenedStorage, StorageArguments } from "./open-storage.js";

/** The command lines of `regcheck restore` and `regcheck purge`, parsed. */
export interface UndoArguments extends Omit<StorageArguments, "storage"> {
  readonly run: string | undefined;
  readonly storage: string | undefined;
  readonly journalDir: string | undefined;
  readonly dryRun: boolean;
  readonly format: "text" | "json";
  readonly quiet: boolean;
}

/** A run's storage, and the directory that its journal is in: the local one, or one with the copy from the quarantine. */
export interface RunPlace {
  readonly opened: OpenedStorage;
  readonly changes: StorageChanges;
  readonly directory: string;
}

/**
 * Does some work on the storage of a run: the one that its journal names, or, where this host has no journal of it, the named one, whose
 * quarantine has a copy. Throws a `UsageError`.
 */
export async function withRun<T>(
  runId: string,
  directory: string,
  args: UndoArguments,
  signal: AbortSignal,
  work: (place: RunPlace) => Promise<T>,
): Promise<T> {
  const isNamed = args.storage !== undefined || args.config !== undefined;
  if (isNamed && isRunId(runId) && !fs.existsSync(journalFile(directory, runId)))
    return withCopy(runId, directory, args, signal, work);
  const run = readRunHead(directory, runId);
  if (run === undefined)
    throw new UsageError(`run ${runId} never began: its journal is empty, so nothing was removed. The file can be deleted.`);
  return withRunStorage(run, args, signal, (opened, changes) => work({ opened, changes, directory }));
}

/** The copy lies in the storage that it is of, whatever that is called from here. */
async function withCopy<T>(
  runId: string,
  directory: string,
  args: UndoArguments,
  signal: AbortSignal,
  work: (place: RunPlace) => Promise<T>,
): Promise<T> {
  const opened = await openStorage(args, signal);
  try {
    return await withChanges(opened, args.dryRun, async (changes) => {
      const found = await withJournalCopy(runId, changes, (copied) => work({ opened, changes, directory: copied }), signal);
      if (found !== undefined) return found.result;
      throw new UsageError(
        `run ${runId} has no journal in ${directory}, and no copy of it in ${opened.storage.location}: it had no quarantine, or was restored or purged`,
      );
    });
  } finally {
    await opened.storage.close();
  }
}

/** A run was on another storage than the one that is at its path here. */
export class OtherStorageError extends UsageError {
  constructor(runId: string, location: string) {
    super(
      `run ${runId} was on another storage than the one that is at ${location} here: ${STORAGE_ID} is not what its journal says. Mount the one that it was on; regcheck runs ${location} lists the runs of this one`,
    );
  }
}

/** Does some work on the storage that the run was on; what the command line names must be the same. */
export async function withRunStorage<T>(
  { head }: RunHead,
  args: UndoArguments,
  signal: AbortSignal,
  work: (opened: OpenedStorage, changes: StorageChanges) => Promise<T>,
): Promise<T> {
  const storage = args.storage ?? (args.config === undefined ? head.storage.location : undefined);
  const opened = await openStorage({ ...args, storage }, signal);
  try {
    if (!isSameStorage(head.storage, opened.storage)) {
      if (isAtSamePlace(head.storage, opened.storage)) throw new OtherStorageError(head.runId, opened.storage.location);
      const isOtherServer = head.storage.location === opened.storage.location;
      const hint = isOtherServer
        ? ". Give its --endpoint; for another name of the same server, change the journal's first line"
        : "";
      throw new UsageError(
        `run ${head.runId} was on ${describeStorage(head.storage)}, not on ${describeStorage(opened.storage)}${hint}`,
      );
    }
    return await withChanges(opened, args.dryRun, (changes) => work(opened, changes));
  } finally {
    await opened.storage.close();
  }
}
