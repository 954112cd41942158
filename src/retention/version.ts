import { parse } from "semver";
import type { SemVer } from "semver";
import type { TagRanking } from "./retention.js";

/** What begins like a version. A lone number is none: it is a build's, or a date. */
const NUMBERS = /^(v?)(\d+)\.(\d+)(?:\.(\d+))?(?=$|[-+])/;
const LOOKS_LIKE_ONE = /^v?\d+\.\d/;

/**
 * The version that a tag names, by npm's semver, but that zeros may lead a number (`24.04`), and the patch may be left out: `1.2` means
 * `1.2.0`. `v` is optional, `_` stands before build data, as Helm writes a `+`.
 */
export function parseVersion(tag: string): SemVer | undefined {
  // Build data may have no other `_` in it.
  const [version = "", ...build] = tag.split(/[_+]/);
  const numbers = version.replace(NUMBERS, (_, v: string, major: string, minor: string, patch = "0") =>
    [`${v}${withoutZeros(major)}`, withoutZeros(minor), withoutZeros(patch)].join("."),
  );
  const [core = "", ...rest] = numbers.split("-");
  const preRelease = rest.join("-").split(".").map(withoutZeros).join(".");
  const whole = core + (rest.length > 0 ? `-${preRelease}` : "") + (build.length > 0 ? `+${build.join("-")}` : "");
  return parse(whole) ?? undefined;
}

/** Strict semver has no rank for a number that a zero leads: of calendar versions it would order every other one. */
function withoutZeros(text: string): string {
  return text.replace(/^0+(?=\d+$)/, "");
}

/** Versions in the order of their precedence; build data has none. What looks like a version, as `1.2.3.4` does, has no place among them. */
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
  return versions.map((version, i) => {
    if (version !== undefined) return ranks.get(version);
    return LOOKS_LIKE_ONE.test(tags[i]?.name ?? "") ? "unordered" : undefined;
  });
};

/** Tags in the order of their last push. */
export const rankByPush: TagRanking = (tags) => tags.map(({ pushed }) => pushed);
