import { EXIT_CODES, UsageError } from "../errors.js";
import type { ExitCode } from "../errors.js";
import { countOf } from "../report/format.js";
import { noteFate } from "../journal/journal.js";
import { journalDirectoryOf } from "./journal-directory.js";
import { listRuns, readRun } from "../journal/read-run.js";
import type { JournaledRun } from "../journal/read-run.js";
import { rehearseRestore, restore } from "../restore.js";
import { complain } from "./complain.js";
import { complainOfLock, refusalEnd } from "./ends.js";
import { withRun } from "./find-run.js";
import type { RunPlace, UndoArguments } from "./find-run.js";
import { untilAborted } from "../until-aborted.js";
import { rulesOf, tell } from "./print.js";
import { writerOptions } from "./sweep-command.js";
import type { WriterArguments } from "./sweep-command.js";

/** The command line of `regcheck restore`, parsed. */
export interface RestoreArguments extends UndoArguments, Pick<WriterArguments, "registryUrl" | "registryStopped"> {}

/** Puts back what a run has quarantined, or undoes a repair or an untag. */
export async function runRestore(args: RestoreArguments, signal: AbortSignal): Promise<ExitCode> {
  const directory = journalDirectoryOf(args);
  if (args.run === undefined)
    throw new UsageError(`name a run: ${listRuns(directory).join(", ") || `there is none in ${directory}`}`);
  return withRun(args.run, directory, args, signal, (place) =>
    restoreRun(readRun(place.directory, args.run ?? ""), place, args, signal),
  );
}

async function restoreRun(run: JournaledRun, place: RunPlace, args: RestoreArguments, signal: AbortSignal): Promise<ExitCode> {
  const { opened, changes, directory } = place;
  const { dryRun } = args;
  const { runId, mode } = run.head;
  const noun = mode === "repair" ? "link" : "object";
  const target = { storage: opened.storage, changes };
  const options = { writers: writerOptions(args, opened), signal, journalDirectory: journalDirectoryOf(args) };
  const done = dryRun
    ? { ...(await untilAborted(rehearseRestore(target, run, options), signal)), lockLeft: undefined }
    : { ...(await restore(target, run, options)), refusal: undefined };
  const { restored, present, warnings, problems } = done.result;
  if (!dryRun && problems.length === 0) noteFate(directory, runId, "restored");
  for (const { path, cause } of [...warnings, ...problems]) complain(`${path}: ${cause}`);
  const isWhole = problems.length === 0 && done.lockLeft === undefined;
  const exitCode = refusalEnd(done) ?? (isWhole ? EXIT_CODES.clean : EXIT_CODES.stopped);
  const anew = present === 0 || mode === "repair" ? "" : " or written anew since";
  const left = problems.length === 0 ? "" : `, ${countOf(problems.length, "problem")}`;
  const counts = dryRun
    ? `${countOf(restored, noun)} would be restored (nothing was changed), ${countOf(present, noun)} already there${anew}${left}`
    : `${countOf(restored, noun)} restored, ${countOf(present, noun)} already there${anew}${left}`;
  await tell(args, exitCode === EXIT_CODES.clean && !dryRun, [counts, ...(dryRun ? rulesOf("restore", done) : [])], {
    runId,
    dryRun,
    restored,
    present,
    warnings,
    problems,
    verdicts: done.verdicts,
    refusedBy: done.refusal?.rule,
    lockLeft: done.lockLeft,
    exitCode,
  });
  complainOfLock(done);
  return exitCode;
}
