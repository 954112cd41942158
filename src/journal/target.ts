import crypto from "node:crypto";
import { OperatorError } from "../errors.js";
import type { Policy } from "../mark/policy.js";
import { STORAGE_ID } from "../registry/layout.js";
import type { StorageChanges } from "../storage/changes.js";
import { addRequests } from "../storage/requests.js";
import type { StorageRequests } from "../storage/requests.js";
import type { Storage } from "../storage/storage.js";
import { identityOf } from "../storage/identity.js";
import type { StorageIdentity } from "../storage/identity.js";
import { Journal, makeRunId } from "./journal.js";
import type { JournalHead, RunWork } from "./journal.js";
import { JournalCopy } from "./journal-copy.js";

/** What a sweep and its kin work on. */
export interface SweepTarget {
  readonly storage: Storage;
  readonly changes: StorageChanges;
}

/** All that reading and changing it has taken so far. */
export function requestsOf({ storage, changes }: SweepTarget): StorageRequests {
  const requests = { ...storage.requests };
  addRequests(requests, changes.requests);
  return requests;
}

/**
 * Ages are told by the storage's clock if ours is ahead of it: a push of a minute ago must not look an hour old (safety rules 1 and 5).
 * If ours is behind, everything looks younger than it is, which only keeps more.
 */
export function byClockOf<Options extends { readonly check: { readonly policy: Policy } }>(
  storageTime: number | undefined,
  options: Options,
): Options {
  const { check } = options;
  const now = Math.min(check.policy.now, storageTime ?? Number.POSITIVE_INFINITY);
  return { ...options, check: { ...check, policy: { ...check.policy, now } } };
}

/** What a run is recorded by. */
export interface BegunRun {
  readonly changes: StorageChanges;
  readonly head: JournalHead;
  readonly journal: Journal;
  /** In the quarantine, which in a bucket that keeps versions holds nothing else. */
  readonly copy: JournalCopy | undefined;
}

/** How a run is to begin. */
export interface RunOptions {
  /** Whether what it takes away is moved aside; a repair takes nothing away. */
  readonly quarantine: boolean | "repair";
  readonly journalDirectory: string;
  readonly signal: AbortSignal;
}

/**
 * Gives a run its name and its journal, just before the first change. Throws an `OperatorError` (exit code 4) when there can be no
 * journal, and the signal's reason when it is aborted. `storageTime` is the time by the storage's clock, in seconds since 1970.
 */
export async function beginRun(
  target: SweepTarget,
  work: RunWork,
  options: RunOptions,
  storageTime: number | undefined,
): Promise<BegunRun> {
  const { changes } = target;
  const runId = makeRunId(new Date(), crypto.randomBytes(3).toString("hex"));
  const storage = await identify(target);
  const head = { runId, storage, mode: await modeOf(changes, options.quarantine), work, storageTime };
  options.signal.throwIfAborted();
  const startedAt = new Date().toISOString();
  const copy = head.mode === "quarantine" || head.mode === "versions" ? new JournalCopy(head, startedAt, changes) : undefined;
  return { changes, head, journal: new Journal(options.journalDirectory, head, startedAt), copy };
}

/** Which storage it is. A directory is given an id, if it has none and takes one: without it, it is told by its path alone. */
async function identify({ storage, changes }: SweepTarget): Promise<StorageIdentity> {
  if (storage.driver === "filesystem" && storage.id === undefined) {
    try {
      await changes.create(STORAGE_ID, Buffer.from(`${crypto.randomUUID()}\n`));
    } catch (error) {
      // On a full disk, a sweep is what frees some of it.
      if (!(error instanceof OperatorError)) throw error;
    }
  }
  return identityOf(storage);
}

async function modeOf(changes: StorageChanges, quarantine: RunOptions["quarantine"]): Promise<JournalHead["mode"]> {
  if (quarantine === "repair") return "repair";
  if (!quarantine) return "delete";
  return (await changes.keepsVersions()) ? "versions" : "quarantine";
}
