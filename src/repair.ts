import { markAndReport } from "./check.js";
import type { CheckOptions, Checked } from "./check.js";
import type { RepairCode } from "./repair/codes.js";
import { executeRepairs } from "./repair/execute.js";
import type { RepairResult } from "./repair/execute.js";
import { planRepairs } from "./repair/plan.js";
import type { RepairPlan } from "./repair/plan.js";
import { changeUnderGuard, rehearse } from "./guard/change-under-guard.js";
import type { GuardedChange, Rehearsed } from "./guard/change-under-guard.js";
import { judgeCompleteness, judgeOwners, judgeUploads } from "./guard/guard.js";
import { judgeOthers } from "./guard/watch.js";
import { judgeWriters, judgeWritersAgain, plain } from "./guard/writers.js";
import type { Verdict } from "./guard/guard.js";
import type { Locked } from "./guard/lock.js";
import type { WriterOptions } from "./guard/writers.js";
import { judgeRoots } from "./guard/roots.js";
import { judgeRun } from "./guard/judge-run.js";
import { AfterPushes } from "./undo/after-pushes.js";
import { beginRun, byClockOf } from "./journal/target.js";
import type { SweepTarget } from "./journal/target.js";

/** What an operator decides about a repair. */
export interface RepairOptions {
  readonly codes: ReadonlySet<RepairCode>;
  /** Garbage is no matter of a repair: its policy must keep everything. */
  readonly check: CheckOptions;
  readonly writers: WriterOptions;
  readonly journalDirectory: string;
  readonly signal: AbortSignal;
}

/** A repair as it would be. */
export interface PlannedRepair extends Checked, RepairPlan {
  /** Every rule, passed or not. */
  readonly verdicts: readonly Verdict[];
}

/** A repair as it was; without a result where there was nothing to write. */
export interface DoneRepair extends PlannedRepair, Locked<RepairResult | undefined> {}

/** Marks, proves what can be repaired, and asks every rule. Changes nothing. */
export async function planRepair({ storage, changes }: SweepTarget, options: RepairOptions): Promise<PlannedRepair> {
  const writersBefore = await judgeWriters(options.writers);
  const checked = await markAndReport(storage, options.check);
  const writers = await judgeWritersAgain(writersBefore, options.writers, storage, checked.marked);
  const { repairs, unrepairable } = await planRepairs(checked.report, checked.marked.table, options.codes, changes);
  const verdicts = [
    judgeCompleteness(checked.marked),
    plain(writers),
    ...judgeOwners(checked.marked.truthElsewhere),
    judgeUploads(checked.marked, writers),
  ];
  return { ...checked, repairs, unrepairable, verdicts };
}

/**
 * Plans, and writes what was planned if every rule of a sweep passes that is not about deleting: under its lock, after the roots were
 * read again, with a journal that `restore` undoes it by. Throws an `OperatorError` that names the rule that refuses.
 */
export function repair(target: SweepTarget, options: RepairOptions): Promise<DoneRepair> {
  return changeUnderGuard(target, changeOf(target, options));
}

/** The repair as it would be, with every rule that it would ask. Changes nothing. */
export function rehearseRepair(target: SweepTarget, options: RepairOptions): Promise<Rehearsed<PlannedRepair>> {
  return rehearse(target, changeOf(target, options));
}

function changeOf(target: SweepTarget, options: RepairOptions): GuardedChange<PlannedRepair, RepairResult | undefined> {
  const { storage, changes } = target;
  const { writers, signal, journalDirectory } = options;
  const run = { quarantine: "repair", journalDirectory, signal } as const;
  return {
    work: "repair",
    writers,
    signal,
    plan: ({ storageTime }) => planRepair(target, byClockOf(storageTime, options)),
    lookAgain: async ({ repairs, marked }) =>
      repairs.length === 0 ? [] : [await judgeRoots(storage, marked), await judgeRun(changes, run)],
    perform: async ({ repairs }, { storageTime, judge }) =>
      repairs.length === 0
        ? undefined
        : executeRepairs(repairs, {
            ...(await beginRun(target, "repair", run, storageTime)),
            judgeWriters: () => judgeOthers(judge, writers),
            afterPushes: new AfterPushes(changes, storageTime, signal),
            signal,
          }),
  };
}
