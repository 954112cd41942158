import type { Finding } from "../mark/finding.js";
import { CATALOGUE } from "./catalogue.js";
import { causeWords, useWords } from "./cause-words.js";

/** One sentence on this case, then what it means for a pull and what to do. Not escaped: names come from the storage. */
export function messageOf(finding: Finding): string {
  const deleted = deletedBy(finding);
  return `${caseOf(finding)}. ${CATALOGUE[finding.code].remedy}${deleted === undefined ? "" : ` To delete: ${deleted}`}`;
}

/** The path of what the remedy has deleted by hand, if it has. */
export function deletedBy({ code, path }: Pick<Finding, "code" | "path">): string | undefined {
  return CATALOGUE[code].deletes === true ? path.slice(0, path.lastIndexOf("/")) : undefined;
}

/** What is the case, in one clause without a full stop. */
export function caseOf(finding: Finding): string {
  const { meaning } = CATALOGUE[finding.code];
  const detail = detailOf(finding);
  return detail === undefined ? meaning : `${meaning}; ${detail}`;
}

/** What is known of this case besides the meaning of its code; undefined where that is nothing. */
export function detailOf(finding: Finding): string | undefined {
  const { code, recoverable, usedBy, cause } = finding;
  const found = causeWords(finding);
  const use = usedBy && useWords(usedBy);
  const state = code === "tag-dangling" ? TAG_STATES[recoverable === true ? "recoverable" : "gone"] : undefined;
  // What is said of an alias goes on from its use.
  const parts = [state, ...(cause?.kind === "lost-alias" ? [use, found] : [found, use])].filter((part) => part !== undefined);
  return parts.length === 0 ? undefined : parts.join("; ");
}

const TAG_STATES = { recoverable: "the manifest is still stored: recoverable", gone: "the manifest is gone" } as const;
