import { markAndReport } from "./check.js";
import type { CheckOptions, Checked } from "./check.js";
import type { Storage } from "./storage/storage.js";
import { execute } from "./sweep/execute.js";
import type { Removed, SweepResult } from "./sweep/execute.js";
import {
  insist,
  judgeCompleteness,
  judgeDatabase,
  judgeProxy,
  judgeRepositories,
  judgeShare,
  judgeUploads,
  judgeWriters,
} from "./guard/guard.js";
import type { Verdict, WriterOptions } from "./guard/guard.js";
import { Journal } from "./journal/journal.js";
import { withLock } from "./guard/lock.js";
import { countPlan, makePlan } from "./sweep/plan.js";
import type { PlanItem, PlanOptions, PlanTotals, Stage } from "./sweep/plan.js";
import { intersectPlans } from "./sweep/review.js";
import { judgeRoots } from "./guard/roots.js";
import { byClockOf, makeHead } from "./journal/target.js";
import type { SweepTarget } from "./journal/target.js";
import { untilAborted } from "./until-aborted.js";

/** What an operator decides about a sweep, besides what is garbage. */
export interface SweepOptions extends PlanOptions {
  readonly check: CheckOptions;
  readonly writers: WriterOptions;
  /** Share of the blobs, 0 to 1. */
  readonly maxDelete: number;
  /** Milliseconds from the beginning, the mark included. */
  readonly maxDuration: number | undefined;
  readonly quarantine: boolean;
  readonly journalDirectory: string;
  /** What a reviewed plan allows; everything without one. */
  readonly accept: ((item: PlanItem) => boolean) | undefined;
  readonly signal: AbortSignal;
  readonly onProgress?: ((removed: Readonly<Removed>) => void) | undefined;
}

/** A sweep as it would be. */
export interface PlannedSweep extends Checked {
  readonly stages: readonly Stage[];
  readonly totals: PlanTotals;
  /** Every rule, passed or not. */
  readonly verdicts: readonly Verdict[];
}

/** A sweep as it was. */
export interface DoneSweep extends PlannedSweep {
  readonly result: SweepResult;
}

/** Marks, plans, and asks every rule. Changes nothing. */
export async function planSweep(storage: Storage, options: SweepOptions): Promise<PlannedSweep> {
  // Before the mark as well as after it: a registry that was read-only for both was so in between, or the roots have changed.
  const writersBefore = await judgeWriters(options.writers);
  const checked = await markAndReport(storage, options.check);
  const { marked, report, markers } = checked;
  const all = makePlan(report, marked, options);
  const stages = options.accept === undefined ? all : await intersectPlans(storage, all, options.accept);
  const totals = countPlan(stages);
  const verdicts = [
    judgeCompleteness(marked),
    writersBefore,
    judgeProxy(markers, options.writers.config),
    judgeDatabase(markers),
    judgeRepositories(markers, report),
    judgeUploads(marked),
    judgeShare(report, totals.items.blob, options.maxDelete),
  ];
  return { ...checked, stages, totals, verdicts };
}

/**
 * Plans, and removes what was planned if every rule passes: under a lock, after the roots were read again, with a journal. Throws an
 * `OperatorError` (exit code 4, or 3 for an incomplete scan) that names the rule that refuses.
 */
export async function sweep(target: SweepTarget, options: SweepOptions): Promise<DoneSweep> {
  const { storage, changes } = target;
  const { maxDuration, signal } = options;
  const deadline = maxDuration === undefined ? undefined : performance.now() + maxDuration;
  insist(await judgeWriters(options.writers));
  return withLock(changes, storage.location, "sweep", async ({ storageTime }) => {
    const planned = await untilAborted(planSweep(storage, byClockOf(storageTime, options)), signal);
    for (const verdict of planned.verdicts) insist(verdict);
    const roots = await untilAborted(judgeRoots(storage, planned.marked), signal);
    insist(roots);
    insist(await judgeWriters(options.writers));
    const head = await makeHead(target, options.quarantine);
    signal.throwIfAborted();
    const result = await execute(planned.stages, {
      changes,
      journal: new Journal(options.journalDirectory, head),
      head,
      judgeWriters: () => judgeWriters(options.writers),
      deadline,
      signal,
      onProgress: options.onProgress,
    });
    return { ...planned, verdicts: [...planned.verdicts, roots], result };
  });
}
