import { slices } from "../../slices.js";
import type { StorageFault } from "../listing.js";
import type { WorkerPool } from "./pool.js";

/** Paths of one task: enough of them to outweigh a message between threads, and few enough to be shared out. */
export const PATHS_PER_TASK = 1024;

/** When each of these files was last changed, in seconds since 1970. */
export async function modifiedTimes(pool: WorkerPool, paths: readonly string[]): Promise<readonly (number | StorageFault)[]> {
  const tasks = Array.from(slices(paths, PATHS_PER_TASK), (some) => pool.run<"modified">({ kind: "modified", paths: some }));
  return (await Promise.all(tasks)).flat();
}
