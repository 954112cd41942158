import { EXIT_CODES, UsageError } from "../errors.js";
import type { ExitCode } from "../errors.js";
import { countOf } from "../report/format.js";
import { noteFate } from "../journal/journal.js";
import { journalDirectoryOf } from "./journal-directory.js";
import { listRuns, readRun } from "../journal/read-run.js";
import type { JournaledRun } from "../journal/read-run.js";
import { restore } from "../restore.js";
import { countRestorable } from "../undo/restore.js";
import { complain } from "./complain.js";
import { complainOfLock } from "./ends.js";
import { withRun } from "./find-run.js";
import type { RunPlace, UndoArguments } from "./find-run.js";
import { tell } from "./print.js";
import { writerOptions } from "./sweep-command.js";
import type { WriterArguments } from "./sweep-command.js";

/** The command line of `regcheck restore`, parsed. */
export interface RestoreArguments extends UndoArguments, Pick<WriterArguments, "registryUrl" | "registryStopped"> {}

/** Puts back what a run has quarantined, or undoes a repair or an untag. */
export async function runRestore(args: RestoreArguments, signal: AbortSignal): Promise<ExitCode> {
  const directory = journalDirectoryOf(args);
  if (args.run === undefined)
    throw new UsageError(`name a run: ${listRuns(directory).join(", ") || `there is none in ${directory}`}`);
  return withRun(args.run, directory, args, (place) => {
    const run = readRun(place.directory, args.run ?? "");
    return args.dryRun ? showRestore(run, place, args) : restoreRun(run, place, args, signal);
  });
}

function nounOf({ head }: JournaledRun): string {
  return head.mode === "repair" ? "link" : "object";
}

async function showRestore(run: JournaledRun, { changes }: RunPlace, args: RestoreArguments): Promise<ExitCode> {
  const count = await countRestorable(run, changes);
  const { runId } = run.head;
  const json = { runId, dryRun: true, restored: count, exitCode: EXIT_CODES.clean };
  tell(args, false, [`${countOf(count, nounOf(run))} would be restored (nothing was changed)`], json);
  return EXIT_CODES.clean;
}

async function restoreRun(
  run: JournaledRun,
  { opened, changes, directory }: RunPlace,
  args: RestoreArguments,
  signal: AbortSignal,
): Promise<ExitCode> {
  const { runId, mode } = run.head;
  const noun = nounOf(run);
  const done = await restore({ storage: opened.storage, changes }, run, { writers: writerOptions(args, opened), signal });
  const { restored, present, warnings, problems } = done.result;
  if (problems.length === 0) noteFate(directory, runId, "restored");
  for (const { path, cause } of [...warnings, ...problems]) complain(`${path}: ${cause}`);
  const exitCode = problems.length === 0 && done.lockLeft === undefined ? EXIT_CODES.clean : EXIT_CODES.stopped;
  const anew = present === 0 || mode === "repair" ? "" : " or written anew since";
  const left = problems.length === 0 ? "" : `, ${countOf(problems.length, "problem")}`;
  const line = `${countOf(restored, noun)} restored, ${countOf(present, noun)} already there${anew}${left}`;
  tell(args, exitCode === EXIT_CODES.clean, [line], {
    runId,
    dryRun: false,
    restored,
    present,
    warnings,
    problems,
    lockLeft: done.lockLeft,
    exitCode,
  });
  complainOfLock(done);
  return exitCode;
}
