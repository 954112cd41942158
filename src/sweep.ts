import { markAndReport } from "./check.js";
import type { CheckOptions, Checked } from "./check.js";
import type { Storage } from "./storage/storage.js";
import { execute } from "./sweep/execute.js";
import type { SweepResult } from "./sweep/execute.js";
import type { Removed } from "./sweep/removed.js";
import { changeUnderGuard, rehearse } from "./guard/change-under-guard.js";
import type { GuardedChange, Rehearsed } from "./guard/change-under-guard.js";
import {
  judgeCompleteness,
  judgeOwners,
  judgeRepositories,
  judgeShare,
  judgeTags,
  judgeUploads,
  judgeUploadListing,
  pushedRepositories,
} from "./guard/guard.js";
import { judgeOthers } from "./guard/watch.js";
import { judgeWriters, judgeWritersAgain, plain } from "./guard/writers.js";
import type { Verdict } from "./guard/guard.js";
import type { Locked } from "./guard/lock.js";
import type { WriterOptions } from "./guard/writers.js";
import { countPlan, makePlan } from "./sweep/plan.js";
import type { PlanItem, PlanOptions, PlanTotals, Stage } from "./sweep/plan.js";
import { leftOutNotice, leftOutOf } from "./sweep/left-out.js";
import type { AcceptedPlan, LeftOut } from "./sweep/left-out.js";
import { intersectPlans } from "./sweep/review.js";
import { withRequests } from "./report/report.js";
import { judgeRoots } from "./guard/roots.js";
import { judgeRun } from "./guard/judge-run.js";
import { beginRun, byClockOf, requestsOf } from "./journal/target.js";
import type { SweepTarget } from "./journal/target.js";

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
  /** The plan that was reviewed: nothing goes that is not in it. Without one, everything does. */
  readonly reviewed: AcceptedPlan | undefined;
  readonly signal: AbortSignal;
  /** Told before the first delete, where less is to go than was reviewed. */
  readonly onLeftOut?: ((leftOut: LeftOut) => void) | undefined;
  readonly onProgress?: ((removed: Readonly<Removed>) => void) | undefined;
}

/** A sweep as it would be. */
export interface PlannedSweep extends Checked {
  readonly stages: readonly Stage[];
  readonly totals: PlanTotals;
  /** Undefined where no plan was reviewed, and where all of it goes. */
  readonly leftOut: LeftOut | undefined;
  /** Every rule, passed or not. */
  readonly verdicts: readonly Verdict[];
}

/** A sweep as it was. */
export interface DoneSweep extends PlannedSweep, Locked<SweepResult> {}

/** Marks, plans, and asks every rule. Changes nothing. */
export async function planSweep(storage: Storage, options: SweepOptions): Promise<PlannedSweep> {
  // Before the mark as well as after it: a registry that was read-only for both was so in between, or the roots have changed.
  const writersBefore = await judgeWriters(options.writers);
  const checked = await markAndReport(storage, options.check);
  const { marked, report, markers } = checked;
  const writers = await judgeWritersAgain(writersBefore, options.writers, storage, marked);
  const all = makePlan(report, marked, options);
  // Otherwise an upload refuses the sweep.
  const pushed = writers.isProven ? pushedRepositories(marked) : new Set<string>();
  const { reviewed } = options;
  const allows = (item: PlanItem): boolean => reviewed?.allows(item) !== false && !pushed.has(item.repository ?? "");
  const isWhole = reviewed === undefined && pushed.size === 0;
  const stages = isWhole ? all : await intersectPlans(storage, all, allows);
  const totals = countPlan(stages);
  const leftOut = reviewed && leftOutOf(reviewed, totals);
  const verdicts = [
    judgeCompleteness(marked),
    plain(writers),
    ...judgeOwners(marked.truthElsewhere),
    judgeRepositories(markers, report),
    judgeUploadListing(marked, options.purgeUploads),
    judgeUploads(marked, writers),
    judgeTags(marked),
    // Where garbage is not known, there is no share of it that could be too large.
    ...(report.trusted.has(report.selected) ? [judgeShare(report, totals.items.blob, options.maxDelete)] : []),
  ];
  const notices = leftOut === undefined ? report.notices : [...report.notices, leftOutNotice(leftOut)];
  return { ...checked, report: { ...report, notices }, stages, totals, leftOut, verdicts };
}

/**
 * Plans, and removes what was planned if every rule passes: under a lock, after the roots were read again, with a journal. Throws an
 * `OperatorError` (exit code 4, or 3 for an incomplete scan) that names the rule that refuses.
 */
export async function sweep(target: SweepTarget, options: SweepOptions): Promise<DoneSweep> {
  const { storage } = target;
  const done = await changeUnderGuard(target, changeOf(target, options));
  const report = withRequests(done.report, requestsOf(target), storage.requestPrices);
  // The lock that was seen is the sweep's own.
  return { ...done, report: { ...report, own: { ...report.own, lockedAt: undefined } } };
}

/** The sweep as it would be, with every rule that it would ask. Changes nothing. */
export function rehearseSweep(target: SweepTarget, options: SweepOptions): Promise<Rehearsed<PlannedSweep>> {
  return rehearse(target, changeOf(target, options));
}

function changeOf(target: SweepTarget, options: SweepOptions): GuardedChange<PlannedSweep, SweepResult> {
  const { storage, changes } = target;
  const { maxDuration, signal, writers, onLeftOut, onProgress } = options;
  const deadline = maxDuration === undefined ? undefined : performance.now() + maxDuration;
  return {
    work: "sweep",
    writers,
    signal,
    plan: ({ storageTime }) => planSweep(storage, byClockOf(storageTime, options)),
    lookAgain: async ({ marked }) => [
      // An inventory says the same as before, whatever has changed.
      ...(storage.asOf === undefined ? [await judgeRoots(storage, marked)] : []),
      await judgeRun(changes, options),
    ],
    perform: async ({ stages, leftOut }, { storageTime, judge }) => {
      if (leftOut !== undefined) onLeftOut?.(leftOut);
      return execute(stages, {
        ...(await beginRun(target, "sweep", options, storageTime)),
        judgeWriters: () => judgeOthers(judge, writers),
        deadline,
        signal,
        onProgress,
      });
    },
  };
}
