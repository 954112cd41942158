import { EXIT_CODES, OperatorError } from "./errors.js";
import { release } from "./guard/lock.js";
import { describeOwner, readLock } from "./guard/lock-owner.js";
import type { FoundLock } from "./guard/lock-owner.js";
import { insist } from "./guard/guard.js";
import type { Verdict } from "./guard/guard.js";
import { findExhibits } from "./guard/serving.js";
import { judgeWriters, plain } from "./guard/writers.js";
import type { WriterOptions } from "./guard/writers.js";
import type { SweepTarget } from "./journal/target.js";
import { untilAborted } from "./until-aborted.js";

/** A lock that is to go, and what the rules say of it. */
export interface JudgedLock {
  /** Undefined where there is none. */
  readonly lock: FoundLock | undefined;
  /** None where there is no lock. */
  readonly verdicts: readonly Verdict[];
  /** The rule that refuses, if one does. */
  readonly refusal: Verdict | undefined;
}

/** Asks what is asked before a lock is removed: that its process does not run, and that nobody writes. Changes nothing. */
export async function rehearseUnlock({ storage, changes }: SweepTarget, writers: WriterOptions): Promise<JudgedLock> {
  const lock = await readLock(changes);
  if (lock === undefined) return { lock, verdicts: [], refusal: undefined };
  const owner = describeOwner(lock);
  if (lock.process === "running") {
    const evidence = `${storage.location} is locked by ${owner}, which is running`;
    const refusal: Verdict = { rule: "one-at-a-time", passed: false, evidence, remedy: "End it first." };
    return { lock, verdicts: [refusal], refusal };
  }
  const verdicts = [plain(await judgeWriters(writers, () => findExhibits(storage)))];
  return { lock, verdicts, refusal: verdicts.find(({ passed }) => !passed) };
}

/**
 * Removes a lock that a run has left; undefined where there is none. Asks that nobody writes, as a restore does that could take something
 * away. Throws an `OperatorError` for the lock of a process that is running on this host, and when the lock cannot be removed; and the
 * signal's reason where that aborts before.
 */
export async function unlock(target: SweepTarget, writers: WriterOptions, signal: AbortSignal): Promise<FoundLock | undefined> {
  const { storage, changes } = target;
  const { lock, refusal } = await untilAborted(rehearseUnlock(target, writers), signal);
  if (refusal !== undefined) insist(refusal, "unlock");
  if (lock === undefined) return undefined;
  const removed = await release(changes, lock.content);
  if (removed.status === "changed")
    throw new OperatorError(
      `${storage.location}: another run has taken the lock meanwhile. Nothing was changed.`,
      EXIT_CODES.refused,
    );
  if (removed.status === "failed")
    throw new OperatorError(`${storage.location}: the lock is still there: ${removed.cause}`, EXIT_CODES.stopped);
  return lock;
}
