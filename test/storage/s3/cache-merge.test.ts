import crypto from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { mergeSegments } from "#regcheck/storage/s3/cache-merge.js";
import { CacheSegment, writeEntries } from "#regcheck/storage/s3/cache-segment.js";
import { RecentBlocks } from "#regcheck/storage/s3/recent-blocks.js";
import { temporaryDirectory } from "../../support/temporary.js";

/** Digests of a few bytes that differ, so that many share the first ones. */
const anyDigest = fc
  .tuple(fc.constantFrom(0, 1, 255), fc.nat(3), fc.nat(40))
  .map(([first, middle, last]) => Buffer.concat([Buffer.alloc(7, first), Buffer.alloc(24, middle), Buffer.of(last)]));
const anySegment = fc.uniqueArray(anyDigest, { selector: (digest) => digest.toString("hex"), maxLength: 30 });

test("segments are merged in the order of the digests, each once, as the first segment has it", () => {
  const directory = temporaryDirectory();
  fc.assert(
    fc.property(fc.array(anySegment, { maxLength: 6 }), (digests) => {
      const expected = new Map<string, number>();
      const segments = digests.flatMap((some, number) => {
        for (const digest of some) if (!expected.has(digest.toString("hex"))) expected.set(digest.toString("hex"), number);
        const entries = some.map((digest) => ({ digest, bytes: number, words: Uint32Array.of(0, digest[31] ?? 0) }));
        return CacheSegment.open(writeEntries(directory, entries)) ?? [];
      });
      const merged = Array.from(mergeSegments(segments), (record) => [
        record.subarray(0, 32).toString("hex"),
        record.readUInt32LE(32),
      ]);
      expect(merged).toEqual([...expected].sort(([a], [b]) => (a < b ? -1 : 1)));
      for (const segment of segments) segment.close();
    }),
    { numRuns: 100 },
  );
});

test("what is there is found, and what is not is not", () => {
  const entries = Array.from({ length: 500 }, (_, i) => ({
    digest: crypto.createHash("sha256").update(String(i)).digest(),
    bytes: i,
    words: Uint32Array.of(0),
  }));
  const segment = CacheSegment.open(writeEntries(temporaryDirectory(), entries));
  if (segment === undefined) throw new Error("it cannot be opened");
  const recent = new RecentBlocks();
  for (const { digest, bytes } of entries) expect(recent.find(segment, digest, digest.readUIntBE(0, 6))?.bytes).toBe(bytes);
  for (let i = 500; i < 3000; i++) {
    const digest = crypto.createHash("sha256").update(String(i)).digest();
    expect(recent.find(segment, digest, digest.readUIntBE(0, 6))).toBeUndefined();
  }
  segment.close();
});
