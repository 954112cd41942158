import { markAndReport } from "./check.js";
import type { CheckOptions, Checked } from "./check.js";
import { changeUnderGuard, rehearse } from "./guard/change-under-guard.js";
import type { GuardedChange, Rehearsed } from "./guard/change-under-guard.js";
import { judgeCompleteness, judgeOwners, judgeRepositories, judgeUploads } from "./guard/guard.js";
import type { Verdict } from "./guard/guard.js";
import type { Locked } from "./guard/lock.js";
import { judgeRetention } from "./guard/judge-retention.js";
import type { RetentionLimits } from "./guard/judge-retention.js";
import { judgeRoots } from "./guard/roots.js";
import { judgeRun } from "./guard/judge-run.js";
import { judgeOthers } from "./guard/watch.js";
import { judgeWriters, judgeWritersAgain, plain } from "./guard/writers.js";
import type { WriterOptions } from "./guard/writers.js";
import { beginRun, byClockOf } from "./journal/target.js";
import type { SweepTarget } from "./journal/target.js";
import type { Policy } from "./mark/policy.js";
import type { RetentionRequest } from "./retention/retention.js";
import type { Storage } from "./storage/storage.js";
import { execute } from "./sweep/execute.js";
import type { SweepResult } from "./sweep/execute.js";
import type { Stage } from "./sweep/plan.js";
import { planTags } from "./untag/plan.js";

/** What an operator decides about the tags that go by a policy file. */
export interface PolicyUntagOptions extends RetentionLimits {
  readonly check: CheckOptions & { readonly policy: Policy & { readonly retention: RetentionRequest } };
  readonly writers: WriterOptions;
  readonly quarantine: boolean;
  readonly journalDirectory: string;
  readonly signal: AbortSignal;
}

/** The tags that would go. */
export interface PlannedUntag extends Checked {
  readonly stages: readonly Stage[];
  /** Every rule, passed or not; those of the policy file come last. */
  readonly verdicts: readonly Verdict[];
}

/** The tags that went; without a result where there was none to remove. */
export interface DoneUntag extends PlannedUntag, Locked<SweepResult | undefined> {}

/** Marks, judges the tags, and asks every rule. Changes nothing. */
export async function planUntagByPolicy(storage: Storage, options: PolicyUntagOptions): Promise<PlannedUntag> {
  const writersBefore = await judgeWriters(options.writers);
  const checked = await markAndReport(storage, options.check);
  const { marked, report, markers } = checked;
  const writers = await judgeWritersAgain(writersBefore, options.writers, storage, marked);
  const verdicts = [
    judgeCompleteness(marked),
    plain(writers),
    ...judgeOwners(marked.truthElsewhere),
    judgeRepositories(markers, report),
    judgeUploads(marked, writers),
    ...judgeRetention(marked.repositories, options.check.policy.retention.retention, options),
  ];
  return { ...checked, stages: planTags(marked), verdicts };
}

/**
 * Removes the tags that a policy file lets go, their history with them, and nothing else, if every rule passes: under a sweep's lock, after the
 * roots were read again, with its journal. Throws an `OperatorError` that names the rule that refuses.
 */
export function untagByPolicy(target: SweepTarget, options: PolicyUntagOptions): Promise<DoneUntag> {
  return changeUnderGuard(target, changeOf(target, options));
}

/** The tags that would go, with every rule that would be asked. Changes nothing. */
export function rehearseUntagByPolicy(target: SweepTarget, options: PolicyUntagOptions): Promise<Rehearsed<PlannedUntag>> {
  return rehearse(target, changeOf(target, options));
}

function changeOf(target: SweepTarget, options: PolicyUntagOptions): GuardedChange<PlannedUntag, SweepResult | undefined> {
  const { storage, changes } = target;
  const { writers, signal } = options;
  const isIdle = ({ marked }: PlannedUntag): boolean =>
    marked.repositories.every(({ retention }) => (retention?.goes ?? 0) === 0);
  return {
    work: "untag",
    writers,
    signal,
    plan: ({ storageTime }) => planUntagByPolicy(storage, byClockOf(storageTime, options)),
    lookAgain: async (plan) => (isIdle(plan) ? [] : [await judgeRoots(storage, plan.marked), await judgeRun(changes, options)]),
    perform: async (plan, { storageTime, judge }) =>
      isIdle(plan)
        ? undefined
        : execute(plan.stages, {
            ...(await beginRun(target, "untag", options, storageTime)),
            judgeWriters: () => judgeOthers(judge, writers),
            deadline: undefined,
            signal,
          }),
  };
}
