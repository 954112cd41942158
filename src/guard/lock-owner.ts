import os from "node:os";
import { LOCK } from "../registry/layout.js";
import type { StorageLook } from "../storage/changes.js";
import { ownPidNamespace } from "./pid-namespace.js";
import { startOfProcess } from "./process-start.js";
import type { ProcessStart } from "./process-start.js";
import { codeOf } from "../system-errors.js";

/** A lock that somebody has written. */
export interface FoundLock {
  /** As it is stored. */
  readonly content: Uint8Array;
  readonly text: string;
  /** Undefined where it does not say: it was written to a full disk, or by somebody else. */
  readonly owner: LockOwner | undefined;
  /** Whether its process is at work: known for processes that can be seen from here alone. */
  readonly process: "running" | "gone" | "unknown";
}

/** Who has written it. */
export interface LockOwner {
  readonly host: string;
  readonly pid: number;
  /** What `pid` is a number of; undefined where its system does not tell, and in the lock of an older version. */
  readonly bootId: string | undefined;
  readonly pidNamespace: string | undefined;
  /** Tell that process from a later one with its number; undefined as above. */
  readonly startTicks: number | undefined;
  readonly timeNamespace: string | undefined;
  readonly startedAt: string;
  /** What that process does, such as `sweep`. */
  readonly command: string;
}

/** The lock that is in the storage; undefined where there is none. Throws an `OperatorError`. */
export async function readLock(look: Pick<StorageLook, "read">): Promise<FoundLock | undefined> {
  const content = await look.read(LOCK);
  if (content === undefined) return undefined;
  const text = Buffer.from(content).toString("utf8").trim();
  const owner = parseOwner(text);
  return { content, text, owner, process: owner === undefined ? "unknown" : stateOf(owner) };
}

/** Why a run is refused by a lock, and what to do. */
export function refusalBy(lock: FoundLock | undefined, location: string): string {
  const remedy = `regcheck unlock ${location} removes the lock.`;
  if (lock?.process === "gone")
    return `${location} is locked by ${describeOwner(lock)}, which is not running any more on this host: ${remedy}`;
  const who = lock === undefined ? "its lock has just gone" : describeOwner(lock);
  return `another regcheck is at work on ${location}: ${who}. ${whereToLook(lock)}If it is not running any more, ${remedy}`;
}

/** The name of a host is no proof: containers share one, and process 1 of each is another. */
function whereToLook(lock: FoundLock | undefined): string {
  if (lock?.process !== "unknown" || lock.owner?.host !== os.hostname()) return "";
  return "Its process cannot be told from here, although the host has the same name: look for it in every container (docker ps, kubectl get pods) and outside of them. ";
}

/** For people: `a sweep on backup-1 (process 4711) since 2026-01-31T03:00:00.000Z`. */
export function describeOwner({ text, owner }: Pick<FoundLock, "owner" | "text">): string {
  if (owner === undefined) return text === "" ? "its lock has no content" : text;
  return `a run of ${owner.command} on ${owner.host} (process ${owner.pid}) since ${owner.startedAt}`;
}

function parseOwner(text: string): LockOwner | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null) return undefined;
    if (!("host" in value) || !("pid" in value) || typeof value.host !== "string" || typeof value.pid !== "number")
      return undefined;
    return {
      host: value.host,
      pid: value.pid,
      bootId: "bootId" in value ? String(value.bootId) : undefined,
      pidNamespace: "pidNamespace" in value ? String(value.pidNamespace) : undefined,
      startTicks: "startTicks" in value && typeof value.startTicks === "number" ? value.startTicks : undefined,
      timeNamespace: "timeNamespace" in value ? String(value.timeNamespace) : undefined,
      startedAt: "startedAt" in value ? String(value.startedAt) : "an unknown time",
      command: "command" in value ? String(value.command) : "regcheck",
    };
  } catch {
    return undefined;
  }
}

/** A process is gone only where its number would be seen here if it ran: a lock that is taken for a dead one may be of a sweep at work. */
function stateOf(owner: LockOwner): FoundLock["process"] {
  const { host, pid, bootId, pidNamespace } = owner;
  if (host !== os.hostname()) return "unknown";
  const own = ownPidNamespace();
  const isComparable = own !== undefined && bootId !== undefined && pidNamespace !== undefined;
  const isSame = isComparable && own.bootId === bootId && own.pidNamespace === pidNamespace;
  if (isComparable && !isSame) return "unknown";
  const notSeen = isSame ? "gone" : "unknown";
  // This process has written no lock yet: one with its number was before it, or is in another container.
  if (pid === process.pid || !isNumberInUse(pid)) return notSeen;
  return isSame && isAnother(owner, startOfProcess(pid)) ? "gone" : "running";
}

function isNumberInUse(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) !== "ESRCH";
  }
}

/** Whether the number is of another process now than the one that has written the lock. Only what both sides tell by one clock is proof. */
function isAnother({ startTicks, timeNamespace }: LockOwner, now: ProcessStart | undefined): boolean {
  if (startTicks === undefined || now === undefined || timeNamespace !== now.timeNamespace) return false;
  return startTicks !== now.startTicks;
}
