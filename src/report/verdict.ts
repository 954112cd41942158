import { countOf, formatBytes } from "./format.js";
import type { Report } from "./report.js";

/** The result of a check, in a word and a sentence. */
export interface Verdict {
  readonly word: "INCOMPLETE" | "DAMAGED" | "SERVING, with warnings" | "SOUND";
  readonly colour: "red" | "yellow" | "green";
  readonly sentence: string;
}

/** The verdict, in the same words in every format. Not escaped. */
export function verdictOf({ complete, severities, reclaimable, selected, trusted, filter, abandoned }: Report): Verdict {
  if (!complete) {
    return {
      word: "INCOMPLETE",
      colour: "red",
      sentence: "something could not be read (storage-unreadable): what is garbage cannot be told, and nothing may be swept.",
    };
  }
  const found = [countOf(severities.error, "error"), countOf(severities.warning, "warning")].join(", ");
  const uploads = abandoned.bytes === 0 ? "" : `, ${formatBytes(abandoned.bytes)} more with --purge-uploads`;
  const garbage = trusted.has(selected)
    ? `${formatBytes(reclaimable[selected].bytes)} reclaimable${uploads}`
    : "what is garbage cannot be told from this storage";
  const sentence = `${found}, ${garbage}${filter === undefined ? "" : ` in ${filter.glob}`}`;
  if (severities.error > 0) return { word: "DAMAGED", colour: "red", sentence };
  if (severities.warning > 0) return { word: "SERVING, with warnings", colour: "yellow", sentence };
  return { word: "SOUND", colour: "green", sentence };
}
