import type { StorageFault } from "../storage/listing.js";
import type { Finding } from "./finding.js";

/** What could not be listed or read, in the words of the storage. */
export function unreadable({ path, cause }: StorageFault): Finding {
  return { code: "storage-unreadable", path, cause: { kind: "fault", fault: cause } };
}
