import fc from "fast-check";
import { compare } from "semver";
import { expect, test } from "vitest";
import { rankByVersion } from "#regcheck/retention/version.js";
import { property, propertyRuns } from "../support/property.js";
import { compareVersions } from "../support/retention-oracle.js";

const TRIES = property(propertyRuns(500));

/** Few characters, so that much begins alike. */
const identifier = fc.oneof(
  fc.constantFrom(
    "rc",
    "rc8",
    "rc10",
    "debian-12-r7",
    "debian-12-r12",
    "debian-9-r7",
    "r07",
    "-",
    "1a",
    "a1b",
    "99999999999999999999",
  ),
  fc.string({ unit: fc.constantFrom("a", "B", "-", "0", "1", "9"), minLength: 1, maxLength: 5 }),
);
const preRelease = fc.array(identifier, { maxLength: 3 }).map((all) => (all.length === 0 ? "" : `-${all.join(".")}`));
const version = fc
  .tuple(fc.constantFrom("1.2.3", "v1.2.10", "1.10.0", "1.2.3_build.9"), preRelease)
  .map(([numbers, pre]) => numbers.replace(/(?=_)|$/, pre));

function ranksOf(names: readonly string[]): readonly number[] {
  return rankByVersion(names.map((name) => ({ name, pushed: 0 }))).map((rank) => (typeof rank === "number" ? rank : Number.NaN));
}

test("any two versions stand to each other as they do among all, and as a naive oracle has them", () => {
  fc.assert(
    fc.property(fc.array(version, { minLength: 2, maxLength: 6 }), (names) => {
      const ranks = ranksOf(names);
      for (const [i, a] of names.entries()) {
        for (const [k, b] of names.entries()) {
          const among = Math.sign((ranks[i] ?? Number.NaN) - (ranks[k] ?? Number.NaN));
          const [alone = Number.NaN, other = Number.NaN] = ranksOf([a, b]);
          expect([among, Math.sign(alone - other)], `${a} and ${b}`).toEqual([among, Math.sign(compareVersions(a, b))]);
          expect(among, `${a} and ${b}`).toBe(Math.sign(alone - other));
        }
      }
    }),
    TRIES.options,
  );
});

const plain = fc.oneof(fc.nat(30).map(String), fc.string({ unit: fc.constantFrom("a", "B", "-"), minLength: 1, maxLength: 3 }));

test("where no text has digits in it, the order is semver's", () => {
  const strict = fc.array(plain, { maxLength: 3 }).map((all) => (all.length === 0 ? "1.2.3" : `1.2.3-${all.join(".")}`));
  fc.assert(
    fc.property(strict, strict, (a, b) => {
      const [one = Number.NaN, other = Number.NaN] = ranksOf([a, b]);
      expect(Math.sign(one - other)).toBe(compare(a, b));
    }),
    TRIES.options,
  );
});
