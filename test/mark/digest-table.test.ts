import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DigestTable } from "#regcheck/mark/digest-table.js";
import { Digest, hexToWords } from "#regcheck/registry/digest.js";

/** Digests that are not uniform at all: few different leading bytes, so that guessing a position goes wrong. */
const crowdedHex = fc
  .tuple(fc.constantFrom("00", "7f", "ff"), fc.constantFrom("000000", "000001", "ffffff"), fc.integer({ min: 0, max: 40 }))
  .map(([byte, word, tail]) => `${byte}${word}${tail.toString(16).padStart(56, "0")}`);
const uniformHex = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString("hex"));
const hexes = fc.uniqueArray(fc.oneof(crowdedHex, uniformHex), { maxLength: 120 });

function tableOf(batches: readonly (readonly string[])[]) {
  const builder = DigestTable.builder("sha256");
  let size = 0;
  for (const batch of batches) {
    const sizes = Float64Array.from(batch, () => size++);
    builder.add({ digests: hexToWords("sha256", batch), sizes, modified: Uint32Array.from(sizes, (value) => value + 1000) });
  }
  return builder.build();
}

describe("DigestTable", () => {
  test("finds every digest with its size and time, and no other", () => {
    fc.assert(
      fc.property(hexes, hexes, fc.nat(100), (stored, others, cut) => {
        const { table, duplicates } = tableOf([stored.slice(0, cut), stored.slice(cut)]);
        expect(duplicates).toBe(0);
        expect(table.count).toBe(stored.length);
        const numbers = stored.map((hex) => table.find(hexToWords("sha256", [hex]), 0));
        expect([...numbers].sort((a, b) => a - b)).toEqual(stored.map((_, i) => i));
        for (const [i, index] of numbers.entries()) {
          expect(table.size(index)).toBe(i);
          expect(table.modified(index)).toBe(i + 1000);
          const words = new Uint32Array(8);
          table.copyWords(index, words, 0);
          expect(Digest.fromWords("sha256", words, 0).hex).toBe(stored[i]);
        }
        for (const hex of others.filter((other) => !stored.includes(other)))
          expect(table.find(hexToWords("sha256", [hex]), 0)).toBe(-1);
      }),
    );
  });

  test("finds those of thousands that begin alike, as only made up names do", () => {
    const stored = Array.from({ length: 5000 }, (_, i) => `7f00ab${(i * 7).toString(16).padStart(4, "0")}`.padEnd(64, "0"));
    const { table } = tableOf([stored.toReversed()]);
    expect(stored.map((hex) => table.find(hexToWords("sha256", [hex]), 0))).toEqual(stored.map((_, i) => i));
    const others = stored.map((hex) => `${hex.slice(0, 40)}1`.padEnd(64, "0"));
    expect(new Set(others.map((hex) => table.find(hexToWords("sha256", [hex]), 0)))).toEqual(new Set([-1]));
  });

  test("keeps what is listed twice once, and says so", () => {
    const [a, b] = ["a".repeat(64), "b".repeat(64)];
    const { table, duplicates } = tableOf([[a, b], [a]]);
    expect(table.count).toBe(2);
    expect(duplicates).toBe(1);
    // The first of the two.
    expect(table.size(table.find(hexToWords("sha256", [a]), 0))).toBe(0);
  });
});
