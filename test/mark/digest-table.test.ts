import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DigestTable } from "#regcheck/mark/digest-table.js";
import { Digest, DIGEST_WORDS, HEX_LENGTH, hexToWords } from "#regcheck/registry/digest.js";
import type { DigestAlgorithm } from "#regcheck/registry/digest.js";

/** Digests that are not uniform at all: few different leading bytes, so that guessing a position goes wrong. */
const crowdedHex = fc
  .tuple(fc.constantFrom("00", "7f", "ff"), fc.constantFrom("000000", "000001", "ffffff"), fc.integer({ min: 0, max: 40 }))
  .map(([byte, word, tail]) => `${byte}${word}${tail.toString(16).padStart(56, "0")}`);
const uniformHex = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString("hex"));
const hexes = fc.uniqueArray(fc.oneof(crowdedHex, uniformHex), { maxLength: 120 });

function tableOf(batches: readonly (readonly string[])[], algorithm: DigestAlgorithm = "sha256") {
  const builder = DigestTable.builder(algorithm);
  let size = 0;
  for (const batch of batches) {
    const sizes = Float64Array.from(batch, () => size++);
    builder.add({ digests: hexToWords(algorithm, batch), sizes, modified: Uint32Array.from(sizes, (value) => value + 1000) });
  }
  return builder.build();
}

/** Each digest and its size, in the table's order. */
function contentOf(table: DigestTable): [string, number][] {
  const words = new Uint32Array(DIGEST_WORDS[table.algorithm]);
  const content: [string, number][] = [];
  table.forEach((index, size, modified) => {
    table.copyWords(index, words, 0);
    expect(modified).toBe(size + 1000);
    content.push([Digest.fromWords(table.algorithm, words, 0).hex, size]);
  });
  return content;
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
        // Together as by itself, whatever lies between them.
        const asked = [...stored, ...others];
        const words = hexToWords("sha256", ["e".repeat(64), ...asked]);
        const positions = Uint32Array.from(asked, (_, i) => (i + 1) * 8);
        expect([...table.findAll(words, positions)]).toEqual(asked.map((_, i) => table.find(words, (i + 1) * 8)));
      }),
    );
  });

  test("finds those of thousands that begin alike, as only made up names do", () => {
    const stored = Array.from({ length: 5000 }, (_, i) => `7f00ab${(i * 7).toString(16).padStart(4, "0")}`.padEnd(64, "0"));
    const { table } = tableOf([stored.toReversed()]);
    expect(stored.map((hex) => table.find(hexToWords("sha256", [hex]), 0))).toEqual(stored.map((_, i) => i));
    expect([
      ...table.findAll(
        hexToWords("sha256", stored),
        Uint32Array.from(stored.keys(), (i) => i * 8),
      ),
    ]).toEqual([...stored.keys()]);
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

  test("sorts batches of any kind, and keeps the first of what comes again", () => {
    const batches = fc.array(fc.array(fc.oneof(crowdedHex, uniformHex), { maxLength: 60 }), { maxLength: 6 });
    fc.assert(
      fc.property(batches, fc.constantFrom("sha256", "sha384", "sha512"), (listed, algorithm) => {
        const padded = listed.map((batch) => batch.map((hex) => hex.padEnd(HEX_LENGTH[algorithm], "0")));
        const first = new Map<string, number>();
        for (const [i, hex] of padded.flat().entries()) if (!first.has(hex)) first.set(hex, i);
        const { table, duplicates } = tableOf(padded, algorithm);
        expect(duplicates).toBe(padded.flat().length - first.size);
        expect(contentOf(table)).toEqual([...first].toSorted(([a], [b]) => (a < b ? -1 : 1)));
      }),
    );
  });

  test("sorts what no batch and no bucket has room for, all of it listed twice", () => {
    const listed = Array.from(
      { length: 20_000 },
      (_, i) => [`7f00ab${(i * 7919) % 20_000}`, `${i % 256}`, `7fab${i}`][i % 3] ?? "",
    );
    const all = listed.map((text) =>
      text
        .replaceAll(/[^0-9a-f]/g, "")
        .padStart(2, "0")
        .padEnd(64, "0"),
    );
    const first = new Map<string, number>();
    for (const [i, hex] of all.entries()) if (!first.has(hex)) first.set(hex, i);
    const { table, duplicates } = tableOf([all, all]);
    expect(duplicates).toBe(all.length * 2 - first.size);
    expect(contentOf(table)).toEqual([...first].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  });
});
