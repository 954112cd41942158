import { expect, test } from "vitest";
import { CHILD, HELD, isGarbage, isYoung, LIVE, MANIFEST, REVISION, VARIANT_BITS } from "#regcheck/mark/policy.js";

test("no two marks share a bit, and all of them fit the two bytes that a blob has for them", () => {
  const marks = [...Object.values(VARIANT_BITS), HELD, REVISION, CHILD, MANIFEST];
  expect(marks.reduce((sum, mark) => sum + mark, 0)).toBe(0x1ff);
  expect(marks.reduce((all, mark) => all | mark, 0)).toBe(0x1ff);
  expect(Object.values(VARIANT_BITS).reduce((all, mark) => all | mark, 0)).toBe(LIVE);
});

test("the edge of the grace time: what is exactly as old is not young, and a second less is", () => {
  const policy = { deleteUntagged: false, dropDanglingTags: false, grace: 3600, now: 10_000, pins: [] };
  expect([6400, 6401].map((modified) => isYoung(policy, modified))).toEqual([false, true]);
  expect([6400, 6401].map((modified) => isGarbage(0, "asIs", policy, modified))).toEqual([true, false]);
  expect(isGarbage(HELD, "asIs", policy, 0)).toBe(false);
  expect(isGarbage(VARIANT_BITS.asIs, "asIs", policy, 0)).toBe(false);
  expect(isGarbage(VARIANT_BITS.asIs, "withDeleteUntagged", policy, 0)).toBe(true);
});
