import { expect, test } from "vitest";
import { elementAt } from "#regcheck/element-at.js";

test("an index out of range throws: it is not taken for blob 0", () => {
  expect(elementAt(Uint32Array.of(7), 0)).toBe(7);
  for (const index of [-1, 1, Number.NaN]) expect(() => elementAt(Uint32Array.of(7), index)).toThrow(RangeError);
});
