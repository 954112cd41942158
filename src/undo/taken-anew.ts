import { digestIn } from "../registry/link.js";
import type { StorageChanges } from "../storage/changes.js";
import type { LaterRuns } from "./later-runs.js";

/**
 * Why a tag must not come back yet: it was pushed again after this run, and a later one has taken that, which would find the older image there and give way
 * to it. Undefined where no later run has, or somebody has pushed it since. Throws an `OperatorError`.
 */
export async function takenAnew(path: string, later: LaterRuns, changes: StorageChanges): Promise<string | undefined> {
  const runId = later.tags.get(path);
  if (runId === undefined || digestIn(await changes.read(path)) !== undefined) return undefined;
  return `not put back: run ${runId} has removed it again after this run; restore that one first`;
}
