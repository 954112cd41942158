import type { Marked } from "../mark/mark.js";
import { fingerprintOf } from "../mark/fingerprint.js";
import type { Storage } from "../storage/storage.js";
import type { Verdict } from "./guard.js";

const NAMED = 5;

/** Rule 3: lists all links again, and compares them with those that the mark saw. Any change says that somebody writes. */
export async function judgeRoots(storage: Storage, marked: Marked): Promise<Verdict> {
  const before = new Map(marked.repositories.map(({ name, fingerprint }) => [name, fingerprint]));
  const changed: string[] = [];
  let faults = 0;
  for await (const listing of storage.repositories()) {
    faults += listing.faults.length;
    if (!listing.isRepository) continue;
    if (before.get(listing.name) !== fingerprintOf(listing)) changed.push(listing.name);
    before.delete(listing.name);
  }
  changed.push(...before.keys());
  if (changed.length === 0 && faults === 0)
    return {
      rule: "links-unchanged",
      passed: true,
      evidence: `${marked.repositories.length} repositories are as they were marked`,
    };
  const names = changed.slice(0, NAMED).join(", ");
  return {
    rule: "links-unchanged",
    passed: false,
    evidence:
      changed.length === 0
        ? `${faults} paths could not be read again`
        : `links or uploads of ${changed.length} repositories have changed since they were marked: ${names}${changed.length > NAMED ? ", …" : ""}`,
    remedy: "Somebody writes to this storage. Find out who (a replica, a purger, another tool), stop it, and run this again.",
  };
}
