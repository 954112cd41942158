import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bytesToWords, Digest, hexToWords } from "#regcheck/registry/digest.js";

const HEX = "0123456789abcdef".repeat(4);
const anyHex = (length: number) =>
  fc
    .array(fc.nat(15), { minLength: length, maxLength: length })
    .map((digits) => digits.map((digit) => digit.toString(16)).join(""));

describe("Digest", () => {
  test.each([`sha256:${HEX}`, `sha512:${HEX}${HEX}`, `sha384:${HEX}${HEX.slice(32)}`])("%s is one", (text) => {
    expect(Digest.parse(text)?.toString()).toBe(text);
  });

  test.each([
    ["nothing", ""],
    ["no algorithm", HEX],
    ["an algorithm that registries do not take", `sha224:${HEX.slice(8)}`],
    ["upper case", `sha256:${HEX.toUpperCase()}`],
    ["another case of the algorithm", `SHA256:${HEX}`],
    ["a hex too short", `sha256:${HEX.slice(1)}`],
    ["a hex too long", `sha256:${HEX}0`],
    ["the other algorithm's length", `sha512:${HEX}`],
    ["a newline", `sha256:${HEX}\n`],
    ["a space", ` sha256:${HEX}`],
    ["a path out", `sha256:../${HEX.slice(3)}`],
    ["a letter that is no hex", `sha256:g${HEX.slice(1)}`],
  ])("%s is none", (_, text) => {
    expect(Digest.parse(text)).toBeUndefined();
  });

  test("comes out of words as it went in, also from the middle of many", () => {
    fc.assert(
      fc.property(fc.array(anyHex(64), { minLength: 1, maxLength: 5 }), anyHex(128), (hexes, long) => {
        const words = hexToWords("sha256", hexes);
        expect(hexes.map((_, i) => Digest.fromWords("sha256", words, i * 8).hex)).toEqual(hexes);
        expect(Digest.fromWords("sha512", hexToWords("sha512", [long]), 0).hex).toBe(long);
      }),
    );
  });

  test("words are big-endian, so that they sort as the text does", () => {
    expect(hexToWords("sha256", [`00000001${"f".repeat(56)}`])[0]).toBe(1);
    expect(bytesToWords(Buffer.from("00000102", "hex"))).toEqual(Uint32Array.of(0x102));
    // Four bytes that do not begin at a multiple of four.
    expect(bytesToWords(Buffer.from("ff00000102", "hex").subarray(1))).toEqual(Uint32Array.of(0x102));
  });

  test("is equal to itself only", () => {
    const [one, same, other] = [HEX, HEX, HEX.replace("0", "1")].map((hex) => Digest.fromParts("sha256", hex));
    if (one === undefined || same === undefined || other === undefined) throw new Error("these are digests");
    expect([one.equals(same), one.equals(other)]).toEqual([true, false]);
  });
});
