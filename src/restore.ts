import { changeUnderGuard, rehearseWhole } from "./guard/change-under-guard.js";
import type { GuardedChange, JudgedPlan, Performed, RehearsedWhole } from "./guard/change-under-guard.js";
import { judgeWriters, plain } from "./guard/writers.js";
import type { WriterOptions } from "./guard/writers.js";
import { findExhibits } from "./guard/serving.js";
import type { JournaledRun } from "./journal/read-run.js";
import type { SweepTarget } from "./journal/target.js";
import { AfterPushes } from "./undo/after-pushes.js";
import { countQuarantined } from "./undo/purge.js";
import { restoreObjects } from "./undo/restore.js";
import type { Storage } from "./storage/storage.js";
import type { Restored } from "./undo/restored.js";

/** What an operator decides about it. */
export interface RestoreOptions {
  /** Asked to undo a repair only: what a sweep took comes back while others write. */
  readonly writers: WriterOptions;
  readonly signal: AbortSignal;
  /** Where journals of later runs may be. */
  readonly journalDirectory: string;
}

/**
 * Puts back what a run has removed, or undoes what it has written, under the lock. Throws an `OperatorError` when a rule refuses, and for
 * a run that deleted for good.
 */
export function restore(
  target: SweepTarget,
  run: JournaledRun,
  options: RestoreOptions,
): Promise<Performed<JudgedPlan, Restored>> {
  return changeUnderGuard(target, changeOf(target, run, options));
}

/** What that would come to. The target's changes are pretended ones. */
export async function rehearseRestore(
  target: SweepTarget,
  run: JournaledRun,
  options: RestoreOptions,
): Promise<RehearsedWhole<JudgedPlan, Restored>> {
  // Pretended changes know from a listing what is there, and ask for no object of it by itself.
  await countQuarantined(run.head.runId, target.changes);
  return rehearseWhole(target, changeOf(target, run, options));
}

function changeOf(
  { storage, changes }: SweepTarget,
  run: JournaledRun,
  { writers, signal, journalDirectory }: RestoreOptions,
): GuardedChange<JudgedPlan, Restored> {
  const isRepair = run.head.mode === "repair";
  return {
    work: "restore",
    writers: isRepair ? writers : undefined,
    signal,
    plan: async () => ({ verdicts: isRepair ? [plain(await judgeWriters(writers, () => findExhibits(storage)))] : [] }),
    perform: (_, { storageTime }) =>
      restoreObjects(withId(run, storage), changes, {
        signal,
        journalDirectory,
        afterPushes: new AfterPushes(changes, storageTime, signal),
      }),
  };
}

/** A journal that is older than its storage's id does not have it, and later ones have. */
function withId(run: JournaledRun, { id }: Storage): JournaledRun {
  const { head } = run;
  return id === undefined ? run : { ...run, head: { ...head, storage: { ...head.storage, id } } };
}
