import { EXIT_CODES, UsageError } from "../errors.js";
import type { ExitCode } from "../errors.js";
import { escapeForTerminal } from "../report/escape.js";
import { countOf, formatBytes } from "../report/format.js";
import { defaultJournalDirectory, listRuns, readRun } from "../sweep/journal.js";
import type { JournaledRun } from "../sweep/journal.js";
import { withLock } from "../sweep/lock.js";
import { purge, restore } from "../sweep/undo.js";
import { openStorage, withChanges } from "./open-storage.js";
import type { OpenedStorage, StorageArguments } from "./open-storage.js";
import { parseTimeSpan } from "./options.js";

/** The command lines of `regcheck restore` and `regcheck purge`, parsed. */
export interface UndoArguments extends Omit<StorageArguments, "storage"> {
  readonly run: string | undefined;
  readonly storage: string | undefined;
  readonly journalDir: string | undefined;
  readonly olderThan?: string | undefined;
}

/** Puts back what a run has quarantined. */
export async function runRestore(args: UndoArguments): Promise<ExitCode> {
  const directory = args.journalDir ?? defaultJournalDirectory();
  if (args.run === undefined)
    throw new UsageError(`name a run: ${listRuns(directory).join(", ") || `there is none in ${directory}`}`);
  const run = readRun(directory, args.run);
  const opened = await openRunStorage(run, args);
  try {
    const { location } = opened.storage;
    const { restored, present, problems } = await withChanges(opened, (changes) =>
      withLock(changes, location, "restore", () => restore(run, changes)),
    );
    for (const { path, cause } of problems) process.stderr.write(`regcheck: ${escapeForTerminal(`${path}: ${cause}`)}\n`);
    const noun = run.head.mode === "repair" ? "link" : "object";
    process.stdout.write(`${countOf(restored, noun)} restored, ${countOf(present, noun)} already there\n`);
    return problems.length === 0 ? EXIT_CODES.clean : EXIT_CODES.stopped;
  } finally {
    await opened.storage.close();
  }
}

/** Empties the quarantine of a run, or of all that are old enough. */
export async function runPurge(args: UndoArguments): Promise<ExitCode> {
  const directory = args.journalDir ?? defaultJournalDirectory();
  if ((args.run === undefined) === (args.olderThan === undefined)) throw new UsageError("give a run, or --older-than such as 7d");
  const before = Date.now() - (args.olderThan === undefined ? 0 : parseTimeSpan("older-than", args.olderThan) * 1000);
  const runs = (args.run === undefined ? listRuns(directory) : [args.run]).map((runId) => readRun(directory, runId));
  for (const run of runs) {
    const isOld = args.olderThan === undefined || Date.parse(run.startedAt) < before;
    if (run.head.mode !== "quarantine" || !isOld) continue;
    const opened = await openRunStorage(run, args);
    try {
      const { location } = opened.storage;
      const { objects, bytes } = await withChanges(opened, (changes) =>
        withLock(changes, location, "purge", () => purge(run.head.runId, changes)),
      );
      process.stdout.write(`${run.head.runId}: ${countOf(objects, "object")} purged, ${formatBytes(bytes)}\n`);
    } finally {
      await opened.storage.close();
    }
  }
  return EXIT_CODES.clean;
}

/** Opens the storage that the run was on; what the command line names must be the same. */
async function openRunStorage(run: JournaledRun, args: UndoArguments): Promise<OpenedStorage> {
  const { location } = run.head.storage;
  const storage = args.storage ?? (args.config === undefined ? location : undefined);
  const opened = await openStorage({ ...args, storage });
  if (opened.storage.location === location) return opened;
  await opened.storage.close();
  throw new UsageError(`run ${run.head.runId} was on ${location}, not on ${opened.storage.location}`);
}
