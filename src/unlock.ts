import { EXIT_CODES, OperatorError } from "./errors.js";
import { release } from "./guard/lock.js";
import { describeOwner, readLock } from "./guard/lock-owner.js";
import type { FoundLock } from "./guard/lock-owner.js";
import { insist } from "./guard/guard.js";
import { findExhibits } from "./guard/serving.js";
import { judgeWriters, plain } from "./guard/writers.js";
import type { WriterOptions } from "./guard/writers.js";
import type { SweepTarget } from "./journal/target.js";

/** What an operator decides about it. */
export interface UnlockOptions {
  readonly writers: WriterOptions;
  readonly dryRun: boolean;
}

/**
 * Removes a lock that a run has left; undefined where there is none. Asks that nobody writes, as a restore does that could take something
 * away. Throws an `OperatorError` for the lock of a process that is running on this host, and when the lock cannot be removed.
 */
export async function unlock(
  { storage, changes }: SweepTarget,
  { writers, dryRun }: UnlockOptions,
): Promise<FoundLock | undefined> {
  const lock = await readLock(changes);
  if (lock === undefined) return undefined;
  if (lock.process === "running")
    throw new OperatorError(
      `${storage.location} is locked by ${describeOwner(lock)}, which is running: end it first.`,
      EXIT_CODES.refused,
    );
  insist(plain(await judgeWriters(writers, () => findExhibits(storage))), "unlock");
  const now = await readLock(changes);
  if (now?.text !== lock.text)
    throw new OperatorError(
      `${storage.location}: another run has taken the lock meanwhile. Nothing was changed.`,
      EXIT_CODES.refused,
    );
  if (dryRun) return lock;
  const problem = await release(changes);
  if (problem !== undefined)
    throw new OperatorError(`${storage.location}: the lock is still there: ${problem}`, EXIT_CODES.stopped);
  return lock;
}
