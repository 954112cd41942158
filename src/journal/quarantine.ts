import path from "node:path";
import { OWN, QUARANTINE } from "../registry/layout.js";
import type { Standing, StorageChanges } from "../storage/changes.js";

/** Where a run's objects are, below their own paths. */
export function quarantineOf(runId: string): string {
  return `${QUARANTINE}/${runId}`;
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
