import { changeUnderGuard } from "./guard/change-under-guard.js";
import type { Locked } from "./guard/lock.js";
import { judgeWriters, plain } from "./guard/writers.js";
import type { WriterOptions } from "./guard/writers.js";
import { findExhibits } from "./guard/serving.js";
import type { JournaledRun } from "./journal/read-run.js";
import type { SweepTarget } from "./journal/target.js";
import { restoreObjects } from "./undo/restore.js";
import type { Restored } from "./undo/restored.js";

/** What an operator decides about it. */
export interface RestoreOptions {
  /** Asked to undo a repair only: what a sweep took comes back while others write. */
  readonly writers: WriterOptions;
  readonly signal: AbortSignal;
}

/**
 * Puts back what a run has removed, or undoes what it has written, under the lock. Throws an `OperatorError` when a rule refuses, and for
 * a run that deleted for good.
 */
export async function restore(
  target: SweepTarget,
  run: JournaledRun,
  { writers, signal }: RestoreOptions,
): Promise<Locked<Restored>> {
  const isRepair = run.head.mode === "repair";
  const { result, lockLeft } = await changeUnderGuard(target, {
    work: "restore",
    writers: isRepair ? writers : undefined,
    signal,
    plan: async () => ({ verdicts: isRepair ? [plain(await judgeWriters(writers, () => findExhibits(target.storage)))] : [] }),
    perform: () => restoreObjects(run, target.changes, signal),
  });
  return { result, lockLeft };
}
