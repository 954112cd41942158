import os from "node:os";
import { describeOwner, readLock, refusalBy } from "./lock-owner.js";
import { errorMessage, EXIT_CODES, operatorMessage, OperatorError } from "../errors.js";
import { LOCK, OWN } from "../registry/layout.js";
import type { RemovedIfSame, StorageChanges, StorageLook } from "../storage/changes.js";
import type { Verdict } from "./guard.js";
import { ownPidNamespace } from "./pid-namespace.js";
import { startOfProcess } from "./process-start.js";
import { causeOf, isFull } from "../system-errors.js";

/** A lock that is held. */
export interface Lock {
  /** When the storage says that the lock was written, in seconds since 1970: what the time is by the storage's clock. */
  readonly storageTime: number | undefined;
  /** Safety rule 9 while the lock is held: whether it is still ours. Throws an `OperatorError` where it cannot be read. */
  readonly judge: JudgeLock;
}

export type JudgeLock = () => Promise<Verdict>;

/** What was done under the lock. */
export interface Locked<T> {
  readonly result: T;
  /**
   * In a sentence: the lock could not be removed, why, and how it goes; or it was not ours any more, so that another run may have been at
   * work at the same time. Undefined where it was ours and is gone.
   */
  readonly lockLeft: string | undefined;
}

/** What safety rule 9 says where no lock was in the way. */
export const NOT_LOCKED: Verdict = { rule: "one-at-a-time", passed: true, evidence: "no other regcheck is at work" };

/** Safety rule 9 for a dry run, which takes no lock: whether it could, as far as looking tells. */
export async function judgeLock(look: Pick<StorageLook, "cannotWriteTo" | "read">, location: string): Promise<Verdict> {
  const refuse = (evidence: string): Verdict => ({ rule: "one-at-a-time", passed: false, evidence });
  try {
    const lock = await readLock(look);
    if (lock !== undefined) return refuse(refusalBy(lock, location));
    const why = await look.cannotWriteTo(OWN);
    return why === undefined ? NOT_LOCKED : refuse(`${location} cannot be locked: ${why}`);
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
  const who = { host: os.hostname(), pid: process.pid, ...ownPidNamespace(), ...startOfProcess(process.pid) };
  const owner = { ...who, startedAt: new Date().toISOString(), command: what };
  const content = await create(changes, location, Buffer.from(`${JSON.stringify(owner)}\n`));
  if (content === "exists") throw new OperatorError(refusalBy(await readLock(changes), location), EXIT_CODES.refused);
  let result: T;
  try {
    result = await work({ storageTime: await timeOf(changes), judge: () => judgeOwn(changes, content) });
  } catch (error) {
    // The lock that is left says so itself, to the next run; what went wrong first must not be lost for it.
    await release(changes, content).catch(() => {});
    throw error;
  }
  return { result, lockLeft: lockLeftBy(await released(changes, content), what, location) };
}

/** Whether the lock is still the one with this content: an operator may have removed it, and another run have taken its own. */
async function judgeOwn(changes: StorageChanges, content: Uint8Array): Promise<Verdict> {
  const lock = await readLock(changes);
  if (lock !== undefined && Buffer.from(content).equals(lock.content)) return NOT_LOCKED;
  const now = lock === undefined ? "it is gone" : `it is of ${describeOwner(lock)} now`;
  return {
    rule: "one-at-a-time",
    passed: false,
    evidence: `the lock of this run was removed while it was at work, ${now}`,
    remedy: "See to it that no other regcheck is at work, and run it again.",
  };
}

async function released(changes: StorageChanges, content: Uint8Array): Promise<RemovedIfSame> {
  try {
    return await release(changes, content);
  } catch (error) {
    return { status: "failed", cause: errorMessage(error) };
  }
}

function lockLeftBy(removed: RemovedIfSame, what: string, location: string): string | undefined {
  if (removed.status === "done") return undefined;
  if (removed.status === "failed")
    return `the ${what} has come to its end, but its lock is still there (${removed.cause}), and the next run is refused: remove it with regcheck unlock ${location}`;
  const now = removed.status === "absent" ? "it is gone" : "another run has it now, and keeps it";
  return `the ${what} has come to its end, but its lock on ${location} was removed while it was at work, ${now}: another run may have been at work at the same time`;
}

/** What cannot be told of the lock stops a run before it has begun. */
async function timeOf(changes: StorageChanges): Promise<number | undefined> {
  try {
    return (await changes.stat(LOCK))?.modified;
  } catch (error) {
    throw new OperatorError(`${errorMessage(error)}. Nothing was changed.`, EXIT_CODES.refused, { cause: error });
  }
}

/** Returns what the lock holds. */
async function create(changes: StorageChanges, location: string, content: Uint8Array): Promise<Uint8Array | "exists"> {
  const write = async (some: Uint8Array) => ((await changes.create(LOCK, some)) === "created" ? some : "exists");
  try {
    try {
      return await write(content);
    } catch (error) {
      // A sweep is what frees a full disk: an empty file may still find its place there, and who made it is only for people.
      if (!(error instanceof OperatorError) || !isFull(error.cause)) throw error;
      return await write(new Uint8Array());
    }
  } catch (error) {
    await changes.pruneDirectories([OWN]).catch(() => {});
    throw new OperatorError(`${location} cannot be locked: ${causeOf(error)}. Nothing was changed.`, EXIT_CODES.refused, {
      cause: error,
    });
  }
}

/** Removes the lock with this content and no other, on a storage that keeps versions without a trace. */
export async function release(changes: StorageChanges, content: Uint8Array): Promise<RemovedIfSame> {
  const removed = await changes.removeForGood(LOCK, content);
  if (removed.status !== "changed") await changes.pruneDirectories([OWN]);
  return removed;
}
