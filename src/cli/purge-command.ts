import { EXIT_CODES, OperatorError, UsageError } from "../errors.js";
import type { ExitCode } from "../errors.js";
import { countOf, formatBytes } from "../report/format.js";
import { identityOf } from "../storage/identity.js";
import type { StorageIdentity } from "../storage/identity.js";
import { quarantineOf } from "../journal/quarantine.js";
import { noteFate } from "../journal/journal.js";
import { journalDirectoryOf } from "./journal-directory.js";
import { listRuns, readRunHead } from "../journal/read-run.js";
import type { RunHead } from "../journal/read-run.js";
import { findOldRun, insistOnQuarantine, isOldQuarantine, listOldRuns, purge, rehearsePurge } from "../purge.js";
import type { Verdict } from "../guard/guard.js";
import type { Purged } from "../undo/purge.js";
import { complain } from "./complain.js";
import { complainOfLock, refusalEnd } from "./ends.js";
import { OtherStorageError, withRun, withRunStorage } from "./find-run.js";
import type { RunPlace, UndoArguments } from "./find-run.js";
import { openStorage, withChanges } from "./open-storage.js";
import type { OpenedStorage } from "./open-storage.js";
import type { StorageChanges } from "../storage/changes.js";
import { parseTimeSpan } from "./parse-values.js";
import { untilAborted } from "../until-aborted.js";
import { rulesOf, tell } from "./print.js";

/** The command line of `regcheck purge`, parsed. */
export interface PurgeArguments extends UndoArguments {
  readonly olderThan: string | undefined;
}

/** What was purged, or would be, of one run. */
interface PurgedRun extends Purged {
  readonly runId: string;
  readonly lockLeft?: string | undefined;
  /** Of a dry run: what the rules said, and the one that would refuse it. */
  readonly verdicts?: readonly Verdict[];
  readonly refusal?: Verdict | undefined;
}

/** Empties the quarantine of a run, or of all that are old enough. */
export async function runPurge(args: PurgeArguments, signal: AbortSignal): Promise<ExitCode> {
  const directory = journalDirectoryOf(args);
  const { run: runId } = args;
  if ((runId === undefined) === (args.olderThan === undefined)) throw new UsageError("give a run, or --older-than such as 7d");
  if (runId === undefined) return purgeOld(directory, args, signal);
  const purged = await withRun(runId, directory, args, signal, async (place) => {
    const run = readRunHead(place.directory, runId);
    if (run === undefined) throw new UsageError(`run ${runId} never began: its journal is empty`);
    insistOnQuarantine(place.directory, run);
    return purgeRun(run, place, args, signal);
  });
  return showPurged([purged], args, [], EXIT_CODES.clean);
}

/** One run that cannot be purged, or a journal that cannot be read, keeps no other from it: cron comes again, but somebody must look. */
async function purgeOld(directory: string, args: PurgeArguments, signal: AbortSignal): Promise<ExitCode> {
  const before = Date.now() - parseTimeSpan("older-than", args.olderThan ?? "") * 1000;
  const named = await namedStorage(args, signal);
  let exitCode: ExitCode = EXIT_CODES.clean;
  const all: PurgedRun[] = [];
  const attempt = async (what: string, work: () => Promise<PurgedRun | undefined>): Promise<void> => {
    signal.throwIfAborted();
    try {
      const purged = await work();
      if (purged !== undefined && isWorthTelling(purged)) all.push(purged);
    } catch (error) {
      if (!(error instanceof OperatorError) || signal.aborted) throw error;
      complain(`${what}: ${error.message}`);
      exitCode = error.exitCode;
    }
  };
  const listJournaled = (): readonly string[] => {
    try {
      return listRuns(directory);
    } catch (error) {
      // The quarantine tells its runs by itself.
      if (!(error instanceof UsageError) || named === undefined) throw error;
      complain(error.message);
      exitCode = error.exitCode;
      return [];
    }
  };
  const attempted = new Set<string>();
  for (const runId of listJournaled()) {
    await attempt(`run ${runId}`, async () => {
      const run = readRunHead(directory, runId);
      if (run === undefined || !isOldQuarantine(run, before, named)) return undefined;
      attempted.add(runId);
      try {
        return await withRunStorage(run, args, signal, (opened, changes) =>
          purgeRun(run, { opened, changes, directory }, args, signal),
        );
      } catch (error) {
        // Whoever purges that storage finds it there.
        if (error instanceof OtherStorageError) return undefined;
        throw error;
      }
    });
  }
  if (named !== undefined) {
    await withStorage(args, signal, async (opened, changes) => {
      const target = { storage: opened.storage, changes };
      await attempt(opened.storage.location, async () => {
        for (const runId of await untilAborted(listOldRuns(target, before), signal)) {
          if (attempted.has(runId)) continue;
          await attempt(`run ${runId}`, async () => {
            const run = await untilAborted(findOldRun(target, runId, signal), signal);
            return run && purgeRun(run, { opened, changes, directory }, args, signal);
          });
        }
        return undefined;
      });
    });
  }
  return showPurged(all, args, [`${countOf(all.length, "run")} ${args.dryRun ? "would be " : ""}purged`], exitCode);
}

/** A run that was purged before is nothing to tell of each night. */
function isWorthTelling({ objects, problems, refusal, lockLeft }: PurgedRun): boolean {
  return objects > 0 || problems.length > 0 || refusal !== undefined || lockLeft !== undefined;
}

/** Whether nothing is left of a run, not even a part of its journal's copy. */
async function isEmpty({ head: { runId, mode } }: RunHead, changes: StorageChanges): Promise<boolean> {
  if (mode !== "quarantine") return false;
  for await (const _ of changes.list(quarantineOf(runId))) return false;
  return true;
}

/** The storage that the command line names, if it names one. */
async function namedStorage(args: PurgeArguments, signal: AbortSignal): Promise<StorageIdentity | undefined> {
  if (args.storage === undefined && args.config === undefined) return undefined;
  const { storage } = await openStorage(args, signal);
  await storage.close();
  return identityOf(storage);
}

async function withStorage(
  args: PurgeArguments,
  signal: AbortSignal,
  work: (opened: OpenedStorage, changes: StorageChanges) => Promise<void>,
): Promise<void> {
  const opened = await openStorage(args, signal);
  try {
    await withChanges(opened, args.dryRun, (changes) => work(opened, changes));
  } finally {
    await opened.storage.close();
  }
}

async function purgeRun(
  run: RunHead,
  { opened: { storage }, changes, directory }: RunPlace,
  { dryRun, olderThan }: PurgeArguments,
  signal: AbortSignal,
): Promise<PurgedRun> {
  const { runId } = run.head;
  const target = { storage, changes };
  if (olderThan !== undefined && (await untilAborted(isEmpty(run, changes), signal)))
    return { runId, objects: 0, bytes: 0, keepsVersions: false, problems: [] };
  if (dryRun) {
    const { result, verdicts, refusal } = await untilAborted(rehearsePurge(target, run, signal), signal);
    // Nothing was deleted whose answer would tell.
    const keepsVersions = result.objects > 0 && (await untilAborted(changes.keepsVersions(), signal));
    return { runId, ...result, keepsVersions, verdicts, refusal };
  }
  const { result, lockLeft } = await purge(target, run, signal);
  if (result.problems.length === 0 && result.objects > 0) noteFate(directory, runId, "purged");
  return { runId, ...result, lockLeft };
}

const KEPT = "; the bucket keeps what is deleted now as older versions: the space is free when a lifecycle rule expires these";

async function showPurged(
  runs: readonly PurgedRun[],
  args: PurgeArguments,
  summary: readonly string[],
  before: ExitCode,
): Promise<ExitCode> {
  const { dryRun } = args;
  const isStopped = runs.some(({ problems, lockLeft }) => problems.length > 0 || lockLeft !== undefined);
  const refused = runs.find((run) => run.refusal !== undefined);
  const exitCode =
    before === EXIT_CODES.clean
      ? (refusalEnd({ refusal: refused?.refusal }) ?? (isStopped ? EXIT_CODES.stopped : before))
      : before;
  const lines = runs.map(
    ({ runId, objects, bytes, keepsVersions }) =>
      `${runId}: ${countOf(objects, "object")} ${dryRun ? "would be " : ""}purged, ${formatBytes(bytes)}${keepsVersions ? KEPT : ""}`,
  );
  // All of them are asked the same of one storage, and there is mostly one.
  const asked = refused ?? runs[0];
  const rules = dryRun && asked !== undefined ? rulesOf("purge", { verdicts: asked.verdicts ?? [], refusal: asked.refusal }) : [];
  await tell(args, exitCode === EXIT_CODES.clean && !dryRun, [...lines, ...summary, ...rules], {
    dryRun,
    runs: runs.map(({ refusal: own, ...run }) => ({ ...run, refusedBy: own?.rule })),
    exitCode,
  });
  for (const run of runs) {
    const [problem] = run.problems;
    if (problem !== undefined) complain(stillThere(problem, run.problems.length));
    complainOfLock({ lockLeft: run.lockLeft });
  }
  return exitCode;
}

function stillThere({ path, cause }: { readonly path: string; readonly cause: string }, problems: number): string {
  const others = problems > 1 ? `, and ${problems - 1} more` : "";
  return `${path} is still there: ${cause}${others}. All else is purged; remove what is in the way, or leave it`;
}
