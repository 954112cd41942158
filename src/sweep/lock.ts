import os from "node:os";
import { EXIT_CODES, OperatorError } from "../errors.js";
import { LOCK, OWN } from "../registry/layout.js";
import type { StorageChanges } from "../storage/changes.js";

/** Runs something that changes the storage while nobody else does (safety rule 9). Throws an `OperatorError` when somebody else does. */
export async function withLock<T>(changes: StorageChanges, location: string, what: string, work: () => Promise<T>): Promise<T> {
  const owner = { host: os.hostname(), pid: process.pid, startedAt: new Date().toISOString(), command: what };
  const outcome = await changes.create(LOCK, Buffer.from(`${JSON.stringify(owner)}\n`));
  if (outcome === "exists") {
    const other = Buffer.from((await changes.read(LOCK)) ?? []).toString("utf8");
    throw new OperatorError(
      `another regcheck is at work on ${location}: ${other.trim() || "its lock has no content"}. ` +
        `If it is not running any more, remove ${location}/${LOCK} and run this again.`,
      EXIT_CODES.refused,
    );
  }
  try {
    return await work();
  } finally {
    await changes.remove([LOCK]);
    await changes.pruneDirectories([OWN]);
  }
}
