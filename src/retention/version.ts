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

/**
 * Versions in the order of their precedence; build data has none. What looks like a version, as `1.2.3.4` does, has no place among them. Runs of
 * digits within a text of a pre-release count as numbers, which is not semver's way: by it `r10` would be older than `r9`.
 */
export const rankByVersion: TagRanking = (tags) => {
  const keys = tags.map(({ name }) => {
    const version = parseVersion(name);
    return version && sortKey(version);
  });
  const inOrder = [...new Set(keys.filter((key) => key !== undefined))].sort();
  const ranks = new Map(inOrder.map((key, rank) => [key, rank]));
  return keys.map((key, i) => {
    if (key !== undefined) return ranks.get(key);
    return LOOKS_LIKE_ONE.test(tags[i]?.name ?? "") ? "unordered" : undefined;
  });
};

/** What comes after every pre-release. */
const RELEASE = "~";

/** A text that sorts as the version does: the space between two identifiers comes before all that they have, the numbers before the texts. */
function sortKey({ major, minor, patch, prerelease }: SemVer): string {
  const before = prerelease.map((identifier) => {
    const text = String(identifier);
    return `${/\D/.test(text) ? "text" : "number"}${sortableDigits(text)}`;
  });
  return [
    ...[major, minor, patch].map((number) => sortableDigits(String(number))),
    ...(before.length > 0 ? before : [RELEASE]),
  ].join(" ");
}

/** Of two numbers the one with more digits is larger: their count, in as many digits as the longest tag has, stands before them. */
function sortableDigits(text: string): string {
  return text.replace(/\d+/g, (digits) => {
    const number = withoutZeros(digits);
    return String(number.length).padStart(3, "0") + number;
  });
}

/** Tags in the order of their last push. */
export const rankByPush: TagRanking = (tags) => tags.map(({ pushed }) => pushed);
