import { parse } from "semver";
import type { SemVer } from "semver";
import type { TagRanking } from "./retention.js";

/** `1.2` means `1.2.0`. A lone number is no version: it is a build's, or a date. */
const SHORT = /^(v?\d+\.\d+)(?=$|[-+])/;

/** The version that a tag names, by npm's semver: `v` is optional, `_` stands before build data, as Helm writes a `+`. */
export function parseVersion(tag: string): SemVer | undefined {
  return parse(tag.replace("_", "+").replace(SHORT, "$1.0")) ?? undefined;
}

/** Versions in the order of their precedence; build data has none. */
export const rankByVersion: TagRanking = (tags) => {
  const versions = tags.map(({ name }) => parseVersion(name));
  const inOrder = versions.filter((version) => version !== undefined).sort((a, b) => a.compare(b));
  const ranks = new Map<SemVer, number>();
  let rank = 0;
  for (const [i, version] of inOrder.entries()) {
    const before = inOrder[i - 1];
    if (before !== undefined && before.compare(version) !== 0) rank++;
    ranks.set(version, rank);
  }
  return versions.map((version) => version && ranks.get(version));
};

/** Tags in the order of their last push. */
export const rankByPush: TagRanking = (tags) => tags.map(({ pushed }) => pushed);
