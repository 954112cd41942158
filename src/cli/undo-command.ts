import { EXIT_CODES, OperatorError, UsageError } from "../errors.js";
import type { ExitCode } from "../errors.js";
import { escapeForTerminal } from "../report/escape.js";
import { countOf, formatBytes } from "../report/format.js";
import type { StorageChanges } from "../storage/changes.js";
import { describeStorage, identityOf, isSameStorage } from "../journal/identity.js";
import type { StorageIdentity } from "../journal/identity.js";
import { defaultJournalDirectory } from "../journal/journal.js";
import { listRuns, readRun, readRunHead } from "../journal/read-run.js";
import type { RunHead } from "../journal/read-run.js";
import type { SweepTarget } from "../journal/target.js";
import { insistOnQuarantine, isOldQuarantine, planPurge, purge } from "../purge.js";
import { restore } from "../restore.js";
import { countRestorable } from "../undo/restore.js";
import { complain } from "./complain.js";
import { complainOfLock } from "./ends.js";
import { openStorage, withChanges } from "./open-storage.js";
import type { OpenedStorage, StorageArguments } from "./open-storage.js";
import { parseTimeSpan } from "./parse-values.js";
import { writerOptions } from "./sweep-command.js";
import type { WriterArguments } from "./sweep-command.js";

/** The command lines of `regcheck restore` and `regcheck purge`, parsed. */
export interface UndoArguments extends Omit<StorageArguments, "storage"> {
  readonly run: string | undefined;
  readonly storage: string | undefined;
  readonly journalDir: string | undefined;
  readonly olderThan?: string | undefined;
  readonly dryRun: boolean;
}

/** The command line of `regcheck restore`, parsed. */
export interface RestoreArguments extends UndoArguments, Pick<WriterArguments, "registryUrl" | "registryStopped"> {}

/** Puts back what a run has quarantined, or undoes a repair. */
export async function runRestore(args: RestoreArguments, signal: AbortSignal): Promise<ExitCode> {
  const directory = args.journalDir ?? defaultJournalDirectory();
  if (args.run === undefined)
    throw new UsageError(`name a run: ${listRuns(directory).join(", ") || `there is none in ${directory}`}`);
  const run = readRun(directory, args.run);
  const isRepair = run.head.mode === "repair";
  const noun = isRepair ? "link" : "object";
  return withRunStorage(run, args, async (opened, changes) => {
    if (args.dryRun) {
      print(`${countOf(await countRestorable(run, changes), noun)} would be restored (nothing was changed)`);
      return EXIT_CODES.clean;
    }
    const options = { writers: writerOptions(args, opened), signal };
    const done = await restore({ storage: opened.storage, changes }, run, options);
    const { restored, present, warnings, problems } = done.result;
    for (const { path, cause } of [...warnings, ...problems]) complain(`${path}: ${cause}`);
    const anew = present === 0 || isRepair ? "" : " or written anew since";
    const left = problems.length === 0 ? "" : `, ${countOf(problems.length, "problem")}`;
    print(`${countOf(restored, noun)} restored, ${countOf(present, noun)} already there${anew}${left}`);
    complainOfLock(done);
    return problems.length === 0 && done.lockLeft === undefined ? EXIT_CODES.clean : EXIT_CODES.stopped;
  });
}

/** Empties the quarantine of a run, or of all that are old enough. */
export async function runPurge(args: UndoArguments, signal: AbortSignal): Promise<ExitCode> {
  const directory = args.journalDir ?? defaultJournalDirectory();
  if ((args.run === undefined) === (args.olderThan === undefined)) throw new UsageError("give a run, or --older-than such as 7d");
  if (args.run === undefined) return purgeOld(directory, args, signal);
  const run = readRunHead(directory, args.run);
  if (run === undefined) throw new UsageError(`run ${args.run} never began: its journal is empty`);
  insistOnQuarantine(run);
  await withRunStorage(run, args, ({ storage }, changes) => purgeRun(run, { storage, changes }, args, signal));
  return EXIT_CODES.clean;
}

/** One run that cannot be purged, or a journal that cannot be read, keeps no other from it: cron comes again, but somebody must look. */
async function purgeOld(directory: string, args: UndoArguments, signal: AbortSignal): Promise<ExitCode> {
  const before = Date.now() - parseTimeSpan("older-than", args.olderThan ?? "") * 1000;
  const named = await namedStorage(args);
  let exitCode: ExitCode = EXIT_CODES.clean;
  let purged = 0;
  for (const runId of listRuns(directory)) {
    signal.throwIfAborted();
    try {
      const run = readRunHead(directory, runId);
      if (run === undefined || !isOldQuarantine(run, before, named)) continue;
      const isPurged = await withRunStorage(run, args, ({ storage }, changes) =>
        purgeRun(run, { storage, changes }, args, signal),
      );
      if (isPurged) purged++;
    } catch (error) {
      if (!(error instanceof OperatorError) || signal.aborted) throw error;
      complain(`run ${runId}: ${error.message}`);
      exitCode = error.exitCode;
    }
  }
  print(`${countOf(purged, "run")} ${args.dryRun ? "would be " : ""}purged`);
  return exitCode;
}

/** The storage that the command line names, if it names one. */
async function namedStorage(args: UndoArguments): Promise<StorageIdentity | undefined> {
  if (args.storage === undefined && args.config === undefined) return undefined;
  const { storage } = await openStorage({ ...args, storage: args.storage });
  await storage.close();
  return identityOf(storage);
}

/** False where there was nothing to purge. */
async function purgeRun(
  run: RunHead,
  target: SweepTarget,
  { dryRun, olderThan }: UndoArguments,
  signal: AbortSignal,
): Promise<boolean> {
  const quarantined = await planPurge(target, run);
  // A run that was purged before is nothing to tell of each night.
  if (quarantined.objects === 0 && olderThan !== undefined) return false;
  const done = dryRun ? undefined : await purge(target, run, signal);
  const { objects, bytes, problems } = done?.result ?? { ...quarantined, problems: [] };
  print(`${run.head.runId}: ${countOf(objects, "object")} ${dryRun ? "would be " : ""}purged, ${formatBytes(bytes)}`);
  if (done?.lockLeft !== undefined) throw new OperatorError(done.lockLeft, EXIT_CODES.stopped);
  const [problem] = problems;
  if (problem !== undefined) throw new OperatorError(stillThere(problem, problems.length), EXIT_CODES.stopped);
  return true;
}

function stillThere({ path, cause }: { readonly path: string; readonly cause: string }, problems: number): string {
  const others = problems > 1 ? `, and ${problems - 1} more` : "";
  return `${path} is still there: ${cause}${others}. All else is purged; remove what is in the way, or leave it`;
}

/** Does some work on the storage that the run was on; what the command line names must be the same. */
async function withRunStorage<T>(
  { head }: RunHead,
  args: UndoArguments,
  work: (opened: OpenedStorage, changes: StorageChanges) => Promise<T>,
): Promise<T> {
  const storage = args.storage ?? (args.config === undefined ? head.storage.location : undefined);
  const opened = await openStorage({ ...args, storage });
  try {
    if (!isSameStorage(head.storage, opened.storage)) {
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

function print(text: string): void {
  process.stdout.write(`${escapeForTerminal(text)}\n`);
}
