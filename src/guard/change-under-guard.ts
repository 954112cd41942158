import { OperatorError } from "../errors.js";
import type { SweepTarget } from "../journal/target.js";
import { untilAborted } from "../until-aborted.js";
import { insist } from "./guard.js";
import type { GuardedWork, Verdict } from "./guard.js";
import { judgeWriters, plain } from "./writers.js";
import type { WriterOptions } from "./writers.js";
import { judgeLock, NOT_LOCKED, withLock } from "./lock.js";
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
  readonly plan: (lock: Pick<Lock, "storageTime">) => Promise<Plan>;
  /**
   * The rules that are asked last, just before the first change: whether what was planned from is still so, and all is ready for it. None
   * where there is nothing to do.
   */
  readonly lookAgain?: (plan: Plan) => Promise<readonly Verdict[]>;
  /** Does what was planned. Of the lock, the time is that of now; long work asks again whether it is still its own. */
  readonly perform: (plan: Plan, lock: Lock) => Promise<Result>;
}

/** A plan with what it came to, and what is to be said of a lock that is still there. */
export type Performed<Plan, Result> = Plan & Locked<Result>;

/** A plan that was not performed, with every rule that was asked. */
export type Rehearsed<Plan> = Plan & {
  /** The first rule that would have refused it; undefined if all passed. None is asked after it that costs another look at the storage. */
  readonly refusal: Verdict | undefined;
};

/**
 * The one order in which a storage is changed: nobody writes, the lock, the plan, its rules, a last look at what was planned from, nobody
 * writes, the lock is still ours, the change. Nothing is changed before the last of these steps. Throws an `OperatorError` that names the rule that refuses.
 */
export async function changeUnderGuard<Plan extends JudgedPlan, Result>(
  { storage, changes }: SweepTarget,
  change: GuardedChange<Plan, Result>,
): Promise<Performed<Plan, Result>> {
  const { work } = change;
  const onVerdict = (verdict: Verdict): true => {
    insist(verdict, work);
    return true;
  };
  await askWriters(change, onVerdict);
  const { result, lockLeft } = await withLock(changes, storage.location, work, async (lock) => {
    const locked = performance.now();
    const plan = await ask(change, lock, onVerdict);
    const held = await untilAborted(lock.judge(), change.signal);
    onVerdict(held);
    change.signal.throwIfAborted();
    const done = await change.perform(plan, laterBy(performance.now() - locked, lock));
    return { plan: { ...plan, verdicts: [...plan.verdicts, held] }, done };
  });
  return { ...result.plan, result: result.done, lockLeft };
}

/**
 * The same without the lock and the change, for a dry run: every rule is asked in the same order, and none of them ends it. The time is
 * ours, since the storage's is told by a lock. Throws what the plan throws, unless a rule would have refused it before.
 */
export async function rehearse<Plan extends JudgedPlan, Result>(
  { storage, changes }: SweepTarget,
  change: GuardedChange<Plan, Result>,
): Promise<Rehearsed<Plan>> {
  let refusal: Verdict | undefined;
  const onVerdict = (verdict: Verdict): boolean => {
    if (!verdict.passed) refusal ??= verdict;
    return refusal === undefined;
  };
  await askWriters(change, onVerdict);
  const lock = await judgeLock(changes, storage.location);
  onVerdict(lock);
  const plan = await unlessRefused(
    () => refusal,
    change.work,
    () => ask(change, { storageTime: undefined }, onVerdict),
  );
  return { ...plan, verdicts: [...plan.verdicts, lock], refusal };
}

/** A change that was pretended, with every rule that was asked. */
export type RehearsedWhole<Plan, Result> = Rehearsed<Plan> & { readonly result: Result };

/** A rehearsal with the change, which is done to what only pretends: see `RehearsedChanges`. */
export async function rehearseWhole<Plan extends JudgedPlan, Result>(
  target: SweepTarget,
  change: GuardedChange<Plan, Result>,
): Promise<RehearsedWhole<Plan, Result>> {
  const plan = await rehearse(target, change);
  return {
    ...plan,
    result: await unlessRefused(
      () => plan.refusal,
      change.work,
      () => change.perform(plan, { storageTime: undefined, judge: async () => NOT_LOCKED }),
    ),
  };
}

/** A plan may take hours. */
function laterBy(milliseconds: number, { storageTime, judge }: Lock): Lock {
  return { judge, storageTime: storageTime === undefined ? undefined : storageTime + Math.floor(milliseconds / 1000) };
}

/** Takes a verdict; returns whether the next rule is asked. */
type OnVerdict = (verdict: Verdict) => boolean;

async function askWriters(
  { writers, signal }: Pick<GuardedChange<JudgedPlan, unknown>, "writers" | "signal">,
  onVerdict: OnVerdict,
): Promise<void> {
  if (writers !== undefined) onVerdict(plain(await untilAborted(judgeWriters(writers), signal)));
}

/** What is asked under the lock. */
async function ask<Plan extends JudgedPlan, Result>(
  change: GuardedChange<Plan, Result>,
  lock: Pick<Lock, "storageTime">,
  onVerdict: OnVerdict,
): Promise<Plan> {
  const { signal, lookAgain = async () => [] } = change;
  const plan = await untilAborted(change.plan(lock), signal);
  let goesOn = true;
  for (const verdict of plan.verdicts) goesOn = onVerdict(verdict);
  if (!goesOn) return plan;
  const last = await untilAborted(lookAgain(plan), signal);
  for (const verdict of last) onVerdict(verdict);
  await askWriters(change, onVerdict);
  return { ...plan, verdicts: [...plan.verdicts, ...last] };
}

/** A run that is refused by a rule does not come to what goes wrong after it. */
async function unlessRefused<T>(refusal: () => Verdict | undefined, what: GuardedWork, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const verdict = refusal();
    if (error instanceof OperatorError && verdict !== undefined) insist(verdict, what);
    throw error;
  }
}
