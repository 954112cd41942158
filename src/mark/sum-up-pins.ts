import type { Digest } from "../registry/digest.js";
import type { MarkContext } from "./context.js";
import type { MarkedPins } from "./marked.js";
import { MANIFEST, PINNED_CONFIG, REVISION } from "./policy.js";

/** Which of the pins are found, once all repositories are marked. */
export function sumUpPins({ table, pins, aliases }: MarkContext): MarkedPins {
  const missing: Digest[] = [];
  const unlinked: Digest[] = [];
  for (const pin of pins) {
    const stored = [pin, ...(aliases.get(pin) ?? []).flat()].filter((id) => table.isStored(id));
    if (stored.length === 0) missing.push(table.digest(pin));
    else if (stored.every((id) => (table.marks(id) & (REVISION | MANIFEST | PINNED_CONFIG)) === 0))
      unlinked.push(table.digest(pin));
  }
  return { given: pins.size, found: pins.size - missing.length, missing, unlinked };
}
