import { EXIT_CODES, OperatorError, UsageError } from "./errors.js";
import { changeUnderGuard, rehearseWhole } from "./guard/change-under-guard.js";
import type { GuardedChange, JudgedPlan, Performed, RehearsedWhole } from "./guard/change-under-guard.js";
import { identityOf, isSameStorage } from "./storage/identity.js";
import type { StorageIdentity } from "./storage/identity.js";
import { whereKept } from "./journal/kept.js";
import { readCopiedHead, withJournalCopy } from "./journal/journal-copy.js";
import { readRun } from "./journal/read-run.js";
import type { RunHead } from "./journal/read-run.js";
import type { SweepTarget } from "./journal/target.js";
import { surveyOwn } from "./storage/own-data.js";
import { isRunId, timeOfRun } from "./storage/run-name.js";
import { hasVersionsLeft } from "./undo/restore.js";
import { emptyQuarantine } from "./undo/purge.js";
import type { Purged } from "./undo/purge.js";

/** Throws a `UsageError` that says why for a run that has left nothing to purge. `directory` has its journal. */
export function insistOnQuarantine(directory: string, run: RunHead): void {
  const { mode, runId } = run.head;
  const keptIn = whereKept(directory, run);
  if (keptIn === "versions")
    throw new UsageError(
      `run ${runId} is in the older versions that its bucket keeps: a lifecycle rule that expires noncurrent versions frees the space`,
    );
  if (keptIn === "journal")
    throw new UsageError(
      `run ${runId} left no quarantine: its tags are in its journal alone, by which restore writes them again`,
    );
  if (mode === "delete") throw new UsageError(`run ${runId} deleted for good: it left no quarantine`);
}

/**
 * Whether a run has a quarantine and began before a time, in milliseconds since 1970. Journals of several storages may lie in one
 * directory: where a storage is named, the runs of others are none of its concern.
 */
export function isOldQuarantine({ head, startedAt }: RunHead, before: number, named: StorageIdentity | undefined): boolean {
  if (head.mode !== "quarantine" || !(Date.parse(startedAt) < before)) return false;
  return named === undefined || isSameStorage(head.storage, named);
}

/** The old runs that a storage has something of, whatever journals there are. Throws an `OperatorError` where that cannot be listed. */
export async function listOldRuns({ changes }: SweepTarget, before: number): Promise<readonly string[]> {
  const own = await surveyOwn(changes);
  if (own.fault !== undefined) throw new OperatorError(own.fault, EXIT_CODES.incomplete);
  return [...own.quarantine.keys()].filter((runId) => isRunId(runId) && timeOfRun(runId) < before);
}

/**
 * One of these, if there is something to purge of it: its quarantine, or the copy of the journal of a run in older versions that have all
 * expired. Throws an `OperatorError` for a copy that cannot be read.
 */
export async function findOldRun(
  { storage, changes }: SweepTarget,
  runId: string,
  signal: AbortSignal,
): Promise<RunHead | undefined> {
  const run = await readCopiedHead(runId, changes);
  if (run?.head.mode === "versions") return (await isExpired(runId, { changes }, signal)) ? run : undefined;
  const head = { runId, mode: "quarantine", work: "sweep", storage: identityOf(storage) } as const;
  return run ?? { head, startedAt: new Date(timeOfRun(runId)).toISOString() };
}

/** Whether nothing can be brought back any more of a run in older versions, by the copy of its journal. */
async function isExpired(runId: string, { changes }: Pick<SweepTarget, "changes">, signal: AbortSignal): Promise<boolean> {
  const hasLeft = (directory: string): Promise<boolean> => hasVersionsLeft(readRun(directory, runId), changes);
  const left = await withJournalCopy(runId, changes, hasLeft, signal);
  return left?.result === false;
}

/** Empties a run's quarantine for good, under the lock. It is not part of the registry: nobody needs to be asked who writes there. */
export function purge(target: SweepTarget, run: RunHead, signal: AbortSignal): Promise<Performed<JudgedPlan, Purged>> {
  return changeUnderGuard(target, changeOf(target, run, signal));
}

/** What that would come to. The target's changes are pretended ones. */
export function rehearsePurge(
  target: SweepTarget,
  run: RunHead,
  signal: AbortSignal,
): Promise<RehearsedWhole<JudgedPlan, Purged>> {
  return rehearseWhole(target, changeOf(target, run, signal));
}

function changeOf({ changes }: SweepTarget, { head }: RunHead, signal: AbortSignal): GuardedChange<JudgedPlan, Purged> {
  return {
    work: "purge",
    writers: undefined,
    signal,
    plan: async () => ({ verdicts: [] }),
    perform: async () => {
      // Until there was a lock, another run could hide, or bring back, what this one has taken.
      if (head.mode === "versions" && !(await isExpired(head.runId, { changes }, signal)))
        return { objects: 0, bytes: 0, keepsVersions: false, problems: [] };
      return emptyQuarantine(head.runId, changes, signal);
    },
  };
}
