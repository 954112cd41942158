import fc from "fast-check";
import { expect, test } from "vitest";
import { Digest } from "#regcheck/registry/digest.js";
import { countReferences, limitOf, packReferences, unpackReferences } from "#regcheck/registry/packed-manifest.js";
import { VERSION_LIMITS } from "#regcheck/registry/manifest.js";
import type { Reference } from "#regcheck/registry/manifest.js";

const anyReference: fc.Arbitrary<Reference> = fc
  .record({
    role: fc.constantFrom("config", "layer", "foreign-layer", "child", "subject"),
    bytes: fc.uint8Array({ minLength: 64, maxLength: 64 }),
    isLong: fc.boolean(),
    size: fc.option(fc.maxSafeNat(), { nil: undefined }),
  })
  .map(({ role, bytes, isLong, size }) => {
    const hex = Buffer.from(bytes).toString("hex");
    const digest = isLong ? Digest.fromParts("sha512", hex) : Digest.fromParts("sha256", hex.slice(64));
    if (digest === undefined) throw new Error("this is a digest");
    return { role, digest, size };
  });

test("which versions cannot read it comes out as it went in, and is no reference", () => {
  for (const limit of [undefined, ...VERSION_LIMITS]) {
    const packed = packReferences([], limit);
    expect([limitOf(packed, 0), countReferences(packed, 0), [...unpackReferences(packed, 0)]]).toEqual([limit, 0, []]);
  }
});

test("references come out of words as they went in, whatever stands before them", () => {
  fc.assert(
    fc.property(fc.array(fc.array(anyReference, { maxLength: 4 }), { maxLength: 4 }), (manifests) => {
      const words: number[] = [];
      const offsets = manifests.map((references) => {
        const packed = packReferences(references);
        return words.push(...packed) - packed.length;
      });
      const packed = Uint32Array.from(words);
      const unpacked = offsets.map((offset) =>
        Array.from(unpackReferences(packed, offset), (reference) => ({
          role: reference.role,
          digest: Digest.fromWords(reference.algorithm, packed, reference.at),
          size: reference.size,
        })),
      );
      expect(unpacked).toEqual(manifests);
    }),
  );
});
