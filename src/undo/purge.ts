import { removeJournalCopy } from "../journal/journal-copy.js";
import { directoriesOf, listQuarantined, pruneQuarantine } from "../journal/quarantine.js";
import type { StorageChanges, StoredObject } from "../storage/changes.js";
import { giveWay } from "../until-aborted.js";

const BATCH = 1000;

/** What a quarantine holds. */
export interface Quarantined {
  readonly objects: number;
  readonly bytes: number;
}

/** What was emptied, and what is still there. */
export interface Purged extends Quarantined {
  /** The bucket keeps versions since the sweep: what was emptied is in these, and the space is not free until they expire. */
  readonly keepsVersions: boolean;
  /** Objects that could not be removed, and directories that others have put something into. */
  readonly problems: readonly { readonly path: string; readonly cause: string }[];
}

/** Empties a run's quarantine for good. Returns how much that was; what cannot be removed stops nothing else. Ends after a batch when the signal aborts, and throws its reason. */
export async function emptyQuarantine(runId: string, changes: StorageChanges, signal?: AbortSignal): Promise<Purged> {
  let objects = 0;
  let bytes = 0;
  let keepsVersions = false;
  const problems: { path: string; cause: string }[] = [];
  let batch: StoredObject[] = [];
  const flush = async (): Promise<void> => {
    await giveWay(signal);
    const sizes = new Map(batch.map((object) => [object.path, object.bytes]));
    for (const { path, status, deleteMarker, cause = "no answer" } of await changes.remove([...sizes.keys()], "any order")) {
      keepsVersions ||= deleteMarker !== undefined;
      if (status === "failed") problems.push({ path, cause });
      else {
        objects++;
        bytes += sizes.get(path) ?? 0;
      }
    }
    await changes.pruneDirectories(directoriesOf([...sizes.keys()]), "any order");
    batch = [];
  };
  for await (const object of listQuarantined(runId, changes)) {
    batch.push(object);
    if (batch.length >= BATCH) await flush();
  }
  await flush();
  // As long as anything is left, it says what.
  if (problems.length === 0) await removeJournalCopy(runId, changes);
  const standing = await pruneQuarantine(runId, changes);
  if (standing !== undefined && problems.length === 0) problems.push({ path: standing.directory, cause: standing.cause });
  return { objects, bytes, keepsVersions, problems };
}

/** What `emptyQuarantine` would free. Changes nothing. */
export async function countQuarantined(runId: string, changes: StorageChanges): Promise<Quarantined> {
  let objects = 0;
  let bytes = 0;
  for await (const object of listQuarantined(runId, changes)) {
    objects++;
    bytes += object.bytes;
  }
  return { objects, bytes };
}
