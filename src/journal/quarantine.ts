import path from "node:path";
import { OWN, QUARANTINE } from "../registry/layout.js";
import type { Standing, StorageChanges, StoredObject } from "../storage/changes.js";

/** Where a run's objects are, below their own paths. */
export function quarantineOf(runId: string): string {
  return `${QUARANTINE}/${runId}`;
}

/** Where the copy of a run's journal is: beside its objects. */
export function journalCopyOf(runId: string): string {
  return `${quarantineOf(runId)}/journal`;
}

/** What a run has moved aside, without the copy of its journal. Throws an `OperatorError` when it cannot be listed to the end. */
export async function* listQuarantined(runId: string, changes: StorageChanges): AsyncGenerator<StoredObject> {
  const copy = `${journalCopyOf(runId)}/`;
  for await (const object of changes.list(quarantineOf(runId))) if (!object.path.startsWith(copy)) yield object;
}

/** The directories that objects lie in. Most hold one object: when that is gone, so may they be. */
export function directoriesOf(objects: readonly string[]): readonly string[] {
  return [...new Set(objects.map((object) => path.posix.dirname(object)))];
}

/** Removes what is left of a quarantine when nothing is in it. Returns it if something is. */
export async function pruneQuarantine(runId: string, changes: StorageChanges): Promise<Standing | undefined> {
  const [standing] = await changes.pruneDirectories([quarantineOf(runId)]);
  // Other runs may have theirs.
  await changes.pruneDirectories([QUARANTINE, OWN]);
  return standing;
}
