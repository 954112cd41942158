import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { squarify } from "#regcheck/report/html/squarify.js";

const AREA = { x: 0, y: 0, width: 600, height: 400 };

describe("squarify", () => {
  test("lays out the example of the paper", () => {
    const [first, second, third] = squarify([6, 6, 4, 3, 2, 2, 1], AREA);
    expect(first).toEqual({ x: 0, y: 0, width: 300, height: 200 });
    expect(second).toEqual({ x: 0, y: 200, width: 300, height: 200 });
    expect(third?.x).toBe(300);
  });

  test("gives nothing for nothing", () => {
    expect(squarify([], AREA)).toEqual([]);
  });

  test("gives each weight its share of the area, inside it, and covers no place twice", () => {
    const weights = fc.array(fc.integer({ min: 1, max: 1_000_000 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(weights, (some) => {
        const sorted = some.sort((a, b) => b - a);
        const sum = sorted.reduce((total, one) => total + one, 0);
        const pieces = squarify(sorted, AREA);
        expect(pieces).toHaveLength(sorted.length);
        for (const [i, { x, y, width, height }] of pieces.entries()) {
          expect(width * height).toBeCloseTo(((sorted[i] ?? 0) / sum) * AREA.width * AREA.height, 3);
          expect(Math.min(x, y)).toBeGreaterThanOrEqual(-1e-6);
          expect(x + width).toBeLessThanOrEqual(AREA.width + 1e-6);
          expect(y + height).toBeLessThanOrEqual(AREA.height + 1e-6);
          for (const other of pieces.slice(i + 1)) {
            const across = Math.min(x + width, other.x + other.width) - Math.max(x, other.x);
            const down = Math.min(y + height, other.y + other.height) - Math.max(y, other.y);
            expect(Math.min(across, down)).toBeLessThan(1e-6);
          }
        }
      }),
    );
  });
});
