import type { Marked } from "../mark/marked.js";
import { fingerprintOf } from "../mark/fingerprint.js";
import { countOf } from "../report/format.js";
import type { StorageFault } from "../storage/listing.js";
import type { Storage } from "../storage/storage.js";
import type { Verdict } from "./guard.js";

/** The rule's name in the documentation. */
const LINKS_UNCHANGED = "links-unchanged";
/** Changed repositories that the evidence names. */
const NAMED = 5;

/**
 * Rule 3: lists all links again, and compares them with those that the mark saw. Any change says that somebody writes; what cannot be
 * read again is a fault, as during the mark.
 */
export async function judgeRoots(storage: Storage, marked: Marked): Promise<Verdict> {
  const before = new Map(marked.repositories.map(({ name, fingerprint }) => [name, fingerprint]));
  const changed: string[] = [];
  const faults: StorageFault[] = [];
  for await (const listing of storage.repositories()) {
    faults.push(...listing.faults);
    if (!listing.isRepository) continue;
    if (before.get(listing.name) !== fingerprintOf(listing)) changed.push(listing.name);
    before.delete(listing.name);
  }
  changed.push(...before.keys());
  const [fault] = faults;
  if (fault !== undefined)
    return {
      rule: "scan-complete",
      passed: false,
      evidence: `${countOf(faults.length, "path")} could not be read again before the first delete: ${fault.path}: ${fault.cause}`,
      remedy: "Mend it, and run this again.",
    };
  if (changed.length > 0)
    return {
      rule: LINKS_UNCHANGED,
      passed: false,
      evidence: `links or uploads of ${countOf(changed.length, "repository", "repositories")} have changed since they were marked: ${changed.slice(0, NAMED).join(", ")}${changed.length > NAMED ? ", …" : ""}`,
      remedy: "Somebody writes to this storage. Find out who (a replica, a purger, another tool), stop it, and run this again.",
    };
  const count = countOf(marked.repositories.length, "repository is", "repositories are");
  return { rule: LINKS_UNCHANGED, passed: true, evidence: `${count} as marked` };
}
