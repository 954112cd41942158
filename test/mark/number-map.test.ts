import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NumberMap } from "#regcheck/mark/number-map.js";

const number = fc.integer({ min: 0, max: 0xfffffffe });

describe("NumberMap", () => {
  test("agrees with Map, whatever is put in", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(number, number), { maxLength: 200 }),
        fc.array(number, { maxLength: 20 }),
        (entries, absent) => {
          const map = new NumberMap();
          const model = new Map<number, number>();
          for (const [key, value] of entries) {
            map.set(key, value);
            model.set(key, value);
          }
          expect(map.size).toBe(model.size);
          for (const key of [...model.keys(), ...absent]) {
            expect(map.get(key)).toBe(model.get(key));
            expect(map.has(key)).toBe(model.has(key));
          }
        },
      ),
    );
  });

  test("grows past many entries whose numbers follow each other", () => {
    const map = new NumberMap();
    for (let key = 0; key < 100_000; key++) map.set(key, key * 2);
    expect(map.size).toBe(100_000);
    for (let key = 0; key < 100_000; key += 997) expect(map.get(key)).toBe(key * 2);
    expect(map.get(100_000)).toBeUndefined();
  });
});
