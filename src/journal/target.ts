import crypto from "node:crypto";
import { EXIT_CODES, OperatorError } from "../errors.js";
import type { Policy } from "../mark/policy.js";
import type { StorageChanges } from "../storage/changes.js";
import type { Storage } from "../storage/storage.js";
import { identityOf } from "./identity.js";
import { makeRunId } from "./journal.js";
import type { JournalHead } from "./journal.js";
import { quarantineOf } from "./quarantine.js";

/** What a sweep and its kin work on. */
export interface SweepTarget {
  readonly storage: Storage;
  readonly changes: StorageChanges;
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

/** A new run's head. Throws an `OperatorError` (exit code 4) when there can be no quarantine. */
export async function makeHead({ storage, changes }: SweepTarget, quarantine: boolean): Promise<JournalHead> {
  const runId = makeRunId(new Date(), crypto.randomBytes(3).toString("hex"));
  const mode = quarantine ? ((await changes.keepsVersions()) ? "versions" : "quarantine") : "delete";
  const why = mode === "quarantine" ? await changes.cannotMoveTo(quarantineOf(runId)) : undefined;
  if (why !== undefined)
    throw new OperatorError(`nothing can be moved to the quarantine: ${why}. Nothing was removed.`, EXIT_CODES.refused);
  return { runId, storage: identityOf(storage), mode };
}
