import { whyNoJournal } from "../journal/journal.js";
import type { RunOptions } from "../journal/target.js";
import { QUARANTINE } from "../registry/layout.js";
import type { StorageLook } from "../storage/changes.js";
import type { Verdict } from "./guard.js";

/** Rules 7 and 8: what is changed can be written down before, and what goes can be moved aside. Makes neither place. */
export async function judgeRun(
  look: Pick<StorageLook, "cannotMoveTo" | "keepsVersions">,
  { quarantine, journalDirectory }: Pick<RunOptions, "quarantine" | "journalDirectory">,
): Promise<Verdict> {
  const journal = whyNoJournal(journalDirectory);
  if (journal !== undefined)
    return {
      rule: "can-be-recorded",
      passed: false,
      evidence: `${journalDirectory}: the journal cannot be written (${journal})`,
      remedy: "Choose another place with --journal-dir.",
    };
  const isMoved = quarantine === true && !(await look.keepsVersions());
  const why = isMoved ? await look.cannotMoveTo(QUARANTINE) : undefined;
  return why === undefined
    ? { rule: "can-be-recorded", passed: true, evidence: `the journal goes to ${journalDirectory}` }
    : { rule: "can-be-recorded", passed: false, evidence: `nothing can be moved to the quarantine: ${why}` };
}
