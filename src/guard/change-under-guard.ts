import type { SweepTarget } from "../journal/target.js";
import { untilAborted } from "../until-aborted.js";
import { insist } from "./guard.js";
import { judgeWriters } from "./writers.js";
import type { GuardedWork, Verdict } from "./guard.js";
import type { WriterOptions } from "./writers.js";
import { withLock } from "./lock.js";
import type { Lock, Locked } from "./lock.js";

/** What is to be done to a storage, and what the rules say of it. */
export interface JudgedPlan {
  readonly verdicts: readonly Verdict[];
}

/** A change to a storage, as the steps in which the safety rules demand it. */
export interface GuardedChange<Plan extends JudgedPlan, Result> {
  readonly work: GuardedWork;
  /** How it is known that nobody writes; undefined for a change that is safe while others do. */
  readonly writers: WriterOptions | undefined;
  readonly signal: AbortSignal;
  /** Reads the storage and says what to do. Changes nothing. */
  readonly plan: (lock: Lock) => Promise<Plan>;
  /** The rule that is asked last, just before the first change: whether what was planned from is still so. Undefined where nothing depends on it. */
  readonly lookAgain?: (plan: Plan) => Promise<Verdict | undefined>;
  /** Does what was planned. */
  readonly perform: (plan: Plan) => Promise<Result>;
}

/** A plan with what it came to, and what is to be said of a lock that is still there. */
export type Performed<Plan, Result> = Plan & Locked<Result>;

/**
 * The one order in which a storage is changed: nobody writes, the lock, the plan, its rules, a last look at what was planned from, nobody
 * writes, the change. Nothing is changed before the last of these steps. Throws an `OperatorError` that names the rule that refuses.
 */
export async function changeUnderGuard<Plan extends JudgedPlan, Result>(
  { storage, changes }: SweepTarget,
  change: GuardedChange<Plan, Result>,
): Promise<Performed<Plan, Result>> {
  const { work, writers, signal, lookAgain = noLook } = change;
  const insistOnWriters = async (): Promise<void> => {
    if (writers !== undefined) insist(await judgeWriters(writers), work);
  };
  await insistOnWriters();
  const underLock = async (lock: Lock): Promise<{ readonly plan: Plan; readonly done: Result }> => {
    const plan = await untilAborted(change.plan(lock), signal);
    for (const verdict of plan.verdicts) insist(verdict, work);
    const last = await untilAborted(lookAgain(plan), signal);
    if (last !== undefined) insist(last, work);
    await insistOnWriters();
    signal.throwIfAborted();
    const done = await change.perform(plan);
    return { plan: { ...plan, verdicts: last === undefined ? plan.verdicts : [...plan.verdicts, last] }, done };
  };
  const { result, lockLeft } = await withLock(changes, storage.location, work, underLock);
  return { ...result.plan, result: result.done, lockLeft };
}

async function noLook(): Promise<undefined> {
  return undefined;
}
