import { expect, test } from "vitest";
import { CHILD, HELD, LIVE, MANIFEST, REVISION, VARIANT_BITS } from "#regcheck/mark/policy.js";

test("no two marks share a bit, and all of them fit the two bytes that a blob has for them", () => {
  const marks = [...Object.values(VARIANT_BITS), HELD, REVISION, CHILD, MANIFEST];
  expect(marks.reduce((sum, mark) => sum + mark, 0)).toBe(0x1ff);
  expect(marks.reduce((all, mark) => all | mark, 0)).toBe(0x1ff);
  expect(Object.values(VARIANT_BITS).reduce((all, mark) => all | mark, 0)).toBe(LIVE);
});
