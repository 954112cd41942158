import os from "node:os";
import { readLock, refusalBy } from "./lock-owner.js";
import { errorMessage, EXIT_CODES, operatorMessage, OperatorError } from "../errors.js";
import { LOCK, OWN } from "../registry/layout.js";
import type { StorageChanges, StorageLook } from "../storage/changes.js";
import type { Verdict } from "./guard.js";
import { causeOf, isFull } from "../system-errors.js";

/** A lock that is held. */
export interface Lock {
  /** When the storage says that the lock was written, in seconds since 1970: what the time is by the storage's clock. */
  readonly storageTime: number | undefined;
}

/** What was done under the lock. */
export interface Locked<T> {
  readonly result: T;
  /** In a sentence: the lock could not be removed, why, and how it goes. Undefined where it is gone. */
  readonly lockLeft: string | undefined;
}

/** What safety rule 9 says where no lock was in the way. */
export const NOT_LOCKED: Verdict = { rule: "one-at-a-time", passed: true, evidence: "no other regcheck is at work" };

/** Safety rule 9 for a dry run, which takes no lock: whether it could, as far as looking tells. */
export async function judgeLock(look: Pick<StorageLook, "read">, location: string): Promise<Verdict> {
  const refuse = (evidence: string): Verdict => ({ rule: "one-at-a-time", passed: false, evidence });
  try {
    const lock = await readLock(look);
    return lock === undefined ? NOT_LOCKED : refuse(refusalBy(lock, location));
  } catch (error) {
    return refuse(`${location} cannot be locked: ${operatorMessage(error)}`);
  }
}

/**
 * Runs something that changes the storage while nobody else does (safety rule 9). Throws an `OperatorError` when somebody else does, and
 * when the lock cannot be written: then nothing else could be either. What was done is returned whatever becomes of the lock.
 */
export async function withLock<T>(
  changes: StorageChanges,
  location: string,
  what: string,
  work: (lock: Lock) => Promise<T>,
): Promise<Locked<T>> {
  const owner = { host: os.hostname(), pid: process.pid, startedAt: new Date().toISOString(), command: what };
  if ((await create(changes, location, `${JSON.stringify(owner)}\n`)) === "exists")
    throw new OperatorError(refusalBy(await readLock(changes), location), EXIT_CODES.refused);
  let result: T;
  try {
    result = await work({ storageTime: await timeOf(changes) });
  } catch (error) {
    // The lock that is left says so itself, to the next run; what went wrong first must not be lost for it.
    await release(changes).catch(() => {});
    throw error;
  }
  const problem = await release(changes).catch(errorMessage);
  if (problem === undefined) return { result, lockLeft: undefined };
  const lockLeft = `the ${what} has come to its end, but its lock is still there (${problem}), and the next run is refused: remove it with regcheck unlock ${location}`;
  return { result, lockLeft };
}

/** What cannot be told of the lock stops a run before it has begun. */
async function timeOf(changes: StorageChanges): Promise<number | undefined> {
  try {
    return (await changes.stat(LOCK))?.modified;
  } catch (error) {
    throw new OperatorError(`${errorMessage(error)}. Nothing was changed.`, EXIT_CODES.refused, { cause: error });
  }
}

async function create(changes: StorageChanges, location: string, content: string): Promise<"created" | "exists"> {
  try {
    try {
      return await changes.create(LOCK, Buffer.from(content));
    } catch (error) {
      // A sweep is what frees a full disk: an empty file may still find its place there, and who made it is only for people.
      if (!(error instanceof OperatorError) || !isFull(error.cause)) throw error;
      return await changes.create(LOCK, new Uint8Array());
    }
  } catch (error) {
    await changes.pruneDirectories([OWN]).catch(() => {});
    throw new OperatorError(`${location} cannot be locked: ${causeOf(error)}. Nothing was changed.`, EXIT_CODES.refused, {
      cause: error,
    });
  }
}

/** Removes the lock, on a storage that keeps versions without a trace. Returns why it failed, if it did. */
export async function release(changes: StorageChanges): Promise<string | undefined> {
  const outcome = await changes.removeForGood(LOCK);
  await changes.pruneDirectories([OWN]);
  return outcome.status === "failed" ? (outcome.cause ?? "no answer") : undefined;
}
