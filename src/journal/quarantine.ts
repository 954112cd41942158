import path from "node:path";
import { OWN, QUARANTINE } from "../registry/layout.js";
import type { StorageChanges } from "../storage/changes.js";

/** Where a run's objects are, below their own paths. */
export function quarantineOf(runId: string): string {
  return `${QUARANTINE}/${runId}`;
}

/** The directories that objects lie in. Most hold one object: when that is gone, so may they be. */
export function directoriesOf(objects: readonly string[]): readonly string[] {
  return [...new Set(objects.map((object) => path.posix.dirname(object)))];
}

/** Removes what is left of a quarantine when nothing is in it. */
export function pruneQuarantine(runId: string, changes: StorageChanges): Promise<void> {
  return changes.pruneDirectories([quarantineOf(runId), QUARANTINE, OWN]);
}
