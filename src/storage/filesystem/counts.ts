import { noRequests } from "../requests.js";
import type { StorageRequests } from "../requests.js";

/** What this thread asked of the filesystem since the last report. */
export const counts: StorageRequests = noRequests();

/** Returns the counts and starts anew, so that they can be summed by who asked for the work. */
export function takeCounts(): StorageRequests {
  const taken = { ...counts };
  Object.assign(counts, noRequests());
  return taken;
}
