import { EXIT_CODES, OperatorError } from "../errors.js";
import { directoriesOf, pruneQuarantine, quarantineOf } from "../journal/quarantine.js";
import type { StorageChanges } from "../storage/changes.js";
import { giveWay } from "../until-aborted.js";

const BATCH = 1000;

/** What a quarantine holds. */
export interface Quarantined {
  readonly objects: number;
  readonly bytes: number;
}

/** Empties a run's quarantine for good. Returns how much that freed. Ends after a batch when the signal aborts, and throws its reason. */
export async function emptyQuarantine(runId: string, changes: StorageChanges, signal?: AbortSignal): Promise<Quarantined> {
  let objects = 0;
  let bytes = 0;
  let batch: string[] = [];
  const flush = async (): Promise<void> => {
    await giveWay(signal);
    const failed = (await changes.remove(batch, "any order")).find(({ status }) => status === "failed");
    if (failed !== undefined)
      throw new OperatorError(
        `${failed.path}: ${failed.cause ?? "could not be removed"}. It is safe to run again.`,
        EXIT_CODES.stopped,
      );
    await changes.pruneDirectories(directoriesOf(batch), "any order");
    batch = [];
  };
  for await (const object of changes.list(quarantineOf(runId))) {
    objects++;
    bytes += object.bytes;
    batch.push(object.path);
    if (batch.length >= BATCH) await flush();
  }
  await flush();
  await pruneQuarantine(runId, changes);
  return { objects, bytes };
}

/** What `emptyQuarantine` would free. Changes nothing. */
export async function countQuarantined(runId: string, changes: StorageChanges): Promise<Quarantined> {
  let objects = 0;
  let bytes = 0;
  for await (const object of changes.list(quarantineOf(runId))) {
    objects++;
    bytes += object.bytes;
  }
  return { objects, bytes };
}
