import { UsageError } from "../errors.js";
import { FINDING_CODES } from "../mark/finding.js";

/** What can be repaired, in the order in which it is: what is referred to comes before what refers to it. */
export const REPAIR_CODES = [
  "layer-link-invalid",
  "layer-link-missing",
  "revision-link-invalid",
  "revision-link-missing",
  "tag-dangling",
  "tag-link-invalid",
  "tag-without-current",
] as const;
export type RepairCode = (typeof REPAIR_CODES)[number];

/** Whether it is a code that can be repaired. */
export function isRepairCode(text: string): text is RepairCode {
  return REPAIR_CODES.some((code) => code === text);
}

/** Parses the codes that an operator wants repaired. Throws a `UsageError` that lists those that can be. */
export function parseRepairCodes(texts: readonly string[]): ReadonlySet<RepairCode> {
  const codes = new Set<RepairCode>();
  for (const text of texts) {
    if (isRepairCode(text)) {
      codes.add(text);
      continue;
    }
    const isFinding = FINDING_CODES.some((code) => code === text);
    const why = isFinding ? "regcheck cannot repair this" : "no such code";
    throw new UsageError(`${text}: ${why}. What can be repaired: ${REPAIR_CODES.join(", ")}`);
  }
  return codes;
}
