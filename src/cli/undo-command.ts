import { EXIT_CODES, OperatorError, UsageError } from "../errors.js";
import type { ExitCode } from "../errors.js";
import { escapeForTerminal } from "../report/escape.js";
import { countOf, formatBytes } from "../report/format.js";
import type { StorageChanges } from "../storage/changes.js";
import { defaultJournalDirectory, listRuns, readRun } from "../sweep/journal.js";
import type { JournaledRun } from "../sweep/journal.js";
import { withLock } from "../sweep/lock.js";
import { countQuarantined, countRestorable, purge, restore } from "../sweep/undo.js";
import { openStorage, withChanges } from "./open-storage.js";
import type { OpenedStorage, StorageArguments } from "./open-storage.js";
import { parseTimeSpan } from "./parse-values.js";

/** The command lines of `regcheck restore` and `regcheck purge`, parsed. */
export interface UndoArguments extends Omit<StorageArguments, "storage"> {
  readonly run: string | undefined;
  readonly storage: string | undefined;
  readonly journalDir: string | undefined;
  readonly olderThan?: string | undefined;
  readonly dryRun: boolean;
}

/** Puts back what a run has quarantined. */
export async function runRestore(args: UndoArguments, signal: AbortSignal): Promise<ExitCode> {
  const directory = args.journalDir ?? defaultJournalDirectory();
  if (args.run === undefined)
    throw new UsageError(`name a run: ${listRuns(directory).join(", ") || `there is none in ${directory}`}`);
  const run = readRun(directory, args.run);
  const noun = run.head.mode === "repair" ? "link" : "object";
  return withRunStorage(run, args, async ({ location }, changes) => {
    if (args.dryRun) {
      print(`${countOf(await countRestorable(run, changes), noun)} would be restored (nothing was changed)`);
      return EXIT_CODES.clean;
    }
    const { restored, present, problems } = await withLock(changes, location, "restore", () => restore(run, changes, signal));
    for (const { path, cause } of problems) complain(`${path}: ${cause}`);
    print(`${countOf(restored, noun)} restored, ${countOf(present, noun)} already there`);
    return problems.length === 0 ? EXIT_CODES.clean : EXIT_CODES.stopped;
  });
}

/** Empties the quarantine of a run, or of all that are old enough. */
export async function runPurge(args: UndoArguments, signal: AbortSignal): Promise<ExitCode> {
  const directory = args.journalDir ?? defaultJournalDirectory();
  if ((args.run === undefined) === (args.olderThan === undefined)) throw new UsageError("give a run, or --older-than such as 7d");
  if (args.run === undefined) return purgeOld(directory, args, signal);
  const run = readRun(directory, args.run);
  if (run.head.mode === "versions")
    throw new UsageError(
      `run ${args.run} is in the older versions that its bucket keeps: a lifecycle rule that expires noncurrent versions frees the space`,
    );
  if (run.head.mode === "delete") throw new UsageError(`run ${args.run} deleted for good: it left no quarantine`);
  await withRunStorage(run, args, (storage, changes) => purgeRun(run, storage, changes, args, signal));
  return EXIT_CODES.clean;
}

/** One run that cannot be purged, or a journal that cannot be read, keeps no other from it: cron comes again, but somebody must look. */
async function purgeOld(directory: string, args: UndoArguments, signal: AbortSignal): Promise<ExitCode> {
  const before = Date.now() - parseTimeSpan("older-than", args.olderThan ?? "") * 1000;
  let exitCode: ExitCode = EXIT_CODES.clean;
  for (const runId of listRuns(directory)) {
    signal.throwIfAborted();
    try {
      const run = readRun(directory, runId);
      if (run.head.mode !== "quarantine" || Date.parse(run.startedAt) >= before || !isOn(args.storage, run)) continue;
      await withRunStorage(run, args, (storage, changes) => purgeRun(run, storage, changes, args, signal));
    } catch (error) {
      if (!(error instanceof OperatorError) || signal.aborted) throw error;
      complain(`run ${runId}: ${error.message}`);
      exitCode = error.exitCode;
    }
  }
  return exitCode;
}

/** Journals of several storages may lie in one directory: those of another than the named one are somebody else's affair. */
function isOn(storage: string | undefined, { head }: JournaledRun): boolean {
  return storage === undefined || head.storage.location === storage.replace(/\/+$/, "");
}

async function purgeRun(
  run: JournaledRun,
  { location }: OpenedStorage["storage"],
  changes: StorageChanges,
  { dryRun, olderThan }: UndoArguments,
  signal: AbortSignal,
): Promise<void> {
  const { runId } = run.head;
  const quarantined = await countQuarantined(runId, changes);
  // A run that was purged before is nothing to tell of each night.
  if (quarantined.objects === 0 && olderThan !== undefined) return;
  const { objects, bytes } = dryRun
    ? quarantined
    : await withLock(changes, location, "purge", () => purge(runId, changes, signal));
  print(`${runId}: ${countOf(objects, "object")} ${dryRun ? "would be " : ""}purged, ${formatBytes(bytes)}`);
}

/** Does some work on the storage that the run was on; what the command line names must be the same. */
async function withRunStorage<T>(
  run: JournaledRun,
  args: UndoArguments,
  work: (storage: OpenedStorage["storage"], changes: StorageChanges) => Promise<T>,
): Promise<T> {
  const { location } = run.head.storage;
  const storage = args.storage ?? (args.config === undefined ? location : undefined);
  const opened = await openStorage({ ...args, storage });
  try {
    if (opened.storage.location !== location)
      throw new UsageError(`run ${run.head.runId} was on ${location}, not on ${opened.storage.location}`);
    return await withChanges(opened, (changes) => work(opened.storage, changes));
  } finally {
    await opened.storage.close();
  }
}

function print(text: string): void {
  process.stdout.write(`${escapeForTerminal(text)}\n`);
}

function complain(text: string): void {
  process.stderr.write(`regcheck: ${escapeForTerminal(text)}\n`);
}
