import { markAndReport } from "./check.js";
import type { CheckOptions, Checked } from "./check.js";
import type { RepairCode } from "./repair/codes.js";
import { executeRepairs } from "./repair/execute.js";
import type { RepairResult } from "./repair/execute.js";
import { planRepairs } from "./repair/plan.js";
import type { RepairPlan } from "./repair/plan.js";
import { insist, judgeCompleteness, judgeDatabase, judgeProxy, judgeUploads, judgeWriters } from "./guard/guard.js";
import type { Verdict, WriterOptions } from "./guard/guard.js";
import { Journal } from "./journal/journal.js";
import { withLock } from "./guard/lock.js";
import { judgeRoots } from "./guard/roots.js";
import { byClockOf, makeHead } from "./journal/target.js";
import type { SweepTarget } from "./journal/target.js";
import { untilAborted } from "./until-aborted.js";

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
export interface DoneRepair extends PlannedRepair {
  readonly result: RepairResult | undefined;
}

/** Marks, proves what can be repaired, and asks every rule. Changes nothing. */
export async function planRepair({ storage, changes }: SweepTarget, options: RepairOptions): Promise<PlannedRepair> {
  const writersBefore = await judgeWriters(options.writers);
  const checked = await markAndReport(storage, options.check);
  const { repairs, unrepairable } = await planRepairs(checked.report, checked.marked.table, options.codes, changes);
  const verdicts = [
    judgeCompleteness(checked.marked),
    writersBefore,
    judgeProxy(checked.markers, options.writers.config),
    judgeDatabase(checked.markers),
    judgeUploads(checked.marked),
  ];
  return { ...checked, repairs, unrepairable, verdicts };
}

/**
 * Plans, and writes what was planned if every rule of a sweep passes that is not about deleting: under its lock, after the roots were
 * read again, with a journal that `restore` undoes it by. Throws an `OperatorError` that names the rule that refuses.
 */
export async function repair(target: SweepTarget, options: RepairOptions): Promise<DoneRepair> {
  const { storage, changes } = target;
  const insistOnWriters = async (): Promise<void> => insist(await judgeWriters(options.writers), "repair");
  await insistOnWriters();
  return withLock(changes, storage.location, "repair", async ({ storageTime }) => {
    const planned = await untilAborted(planRepair(target, byClockOf(storageTime, options)), options.signal);
    for (const verdict of planned.verdicts) insist(verdict, "repair");
    if (planned.repairs.length === 0) return { ...planned, result: undefined };
    const roots = await untilAborted(judgeRoots(storage, planned.marked), options.signal);
    insist(roots, "repair");
    await insistOnWriters();
    const head = { ...(await makeHead(target, false)), mode: "repair" as const };
    const result = await executeRepairs(planned.repairs, {
      changes,
      head,
      journal: new Journal(options.journalDirectory, head),
      judgeWriters: () => judgeWriters(options.writers),
      signal: options.signal,
    });
    return { ...planned, verdicts: [...planned.verdicts, roots], result };
  });
}
