import type { StorageRequests } from "../storage.js";

/** What this thread asked of the filesystem since the last report. */
export const counts: StorageRequests = { list: 0, get: 0, head: 0, put: 0, delete: 0 };

/** Returns the counts and starts anew, so that they can be summed by who asked for the work. */
export function takeCounts(): StorageRequests {
  const taken = { ...counts };
  counts.list = counts.get = counts.head = counts.put = counts.delete = 0;
  return taken;
}
