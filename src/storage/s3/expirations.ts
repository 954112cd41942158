import { splitRepositoryPath, parseBlobPath, parseOwnPath } from "../../registry/parse-path.js";
import { BLOBS } from "../../registry/layout.js";
import type { Expiration } from "../listing.js";

/** No bucket has more rules; names are untrusted, and each is kept. */
const MOST_RULES = 1000;

/**
 * What a bucket's lifecycle rules are going to delete. S3 says it in the answer to each GET and HEAD of such an object:
 * `x-amz-expiration: expiry-date="Fri, 25 Dec 2026 00:00:00 GMT", rule-id="old"`. Only what a pull needs counts: a rule for uploads, or for what
 * regcheck keeps, is as it should be.
 */
export class Expirations {
  readonly #byRule = new Map<string | undefined, Expiration>();

  /** Notes what was said of the object at a path; what is in no known form says nothing (a directory bucket sends `NotImplemented`). */
  note(path: string, header: string): void {
    const said = isNeeded(path) ? parseExpiration(header) : undefined;
    if (said === undefined) return;
    const { rule, at } = said;
    const known = this.#byRule.get(rule);
    if (known === undefined) {
      if (this.#byRule.size < MOST_RULES) this.#byRule.set(rule, { rule, at, path, answers: 1 });
      return;
    }
    // Answers come in any order: of those with one date, always the same is shown.
    const isFirst = at < known.at || (at === known.at && path < known.path);
    this.#byRule.set(rule, { ...(isFirst ? { rule, at, path } : known), answers: known.answers + 1 });
  }

  /** What was noted so far, one for each rule. */
  all(): readonly Expiration[] {
    return [...this.#byRule.values()];
  }
}

/** Blobs and links, but those of a tag's history. */
function isNeeded(path: string): boolean {
  if (path.startsWith(`${BLOBS}/`)) return "hex" in parseBlobPath(path);
  const own = splitRepositoryPath(path)?.own;
  if (own === undefined) return false;
  const { kind } = parseOwnPath(own);
  return kind === "link" || kind === "current";
}

function parseExpiration(header: string): Pick<Expiration, "rule" | "at"> | undefined {
  const milliseconds = Date.parse(/expiry-date="([^"]*)"/.exec(header)?.[1] ?? "");
  if (Number.isNaN(milliseconds)) return undefined;
  const rule = /rule-id="(.*?)"(?:,|$)/.exec(header)?.[1];
  return { at: Math.floor(milliseconds / 1000), rule: rule === undefined ? undefined : decoded(rule) };
}

/** Not every server encodes it as S3 does. */
function decoded(rule: string): string {
  try {
    return decodeURIComponent(rule);
  } catch {
    return rule;
  }
}
