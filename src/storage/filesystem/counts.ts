import type { StorageRequests } from "../storage.js";

/** What this thread asked of the filesystem since the last report. */
export const counts: StorageRequests = noRequests();

/** Returns the counts and starts anew, so that they can be summed by who asked for the work. */
export function takeCounts(): StorageRequests {
  const taken = { ...counts };
  Object.assign(counts, noRequests());
  return taken;
}

/** Where counting begins. */
export function noRequests(): StorageRequests {
  return { list: 0, get: 0, head: 0, put: 0, delete: 0 };
}

/** Adds what somebody else has asked for. */
export function addCounts(to: StorageRequests, { list, get, head, put, delete: deleted }: Readonly<StorageRequests>): void {
  to.list += list;
  to.get += get;
  to.head += head;
  to.put += put;
  to.delete += deleted;
}
