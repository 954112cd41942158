import { HEX_LENGTH } from "../registry/digest.js";
import type { Digest, DigestAlgorithm } from "../registry/digest.js";

/** Two hex characters of every byte, as a 16-bit word in this machine's order. */
const HEX_PAIRS = Uint16Array.from({ length: 256 }, (_, byte) => {
  const text = Buffer.from(byte.toString(16).padStart(2, "0"), "latin1");
  return new Uint16Array(text.buffer.slice(text.byteOffset, text.byteOffset + 2))[0] ?? 0;
});

/** `sha256:` and the others; the hex after it begins at an even place if this begins at an odd one. */
const PREFIX_LENGTH = 7;
const PREFIXES = {
  sha256: Buffer.from("sha256:"),
  sha512: Buffer.from("sha512:"),
  sha384: Buffer.from("sha384:"),
} as const satisfies Record<DigestAlgorithm, Buffer>;
const SLAB_BYTES = 64 * 1024;

/**
 * Digests as ASCII bytes, `sha256:<hex>`. A string of each would cost three times as much, and be turned into bytes again. They lie in slabs
 * of their own, which go with the last digest in them.
 */
export class DigestText {
  #bytes = new Uint8Array();
  #pairs = new Uint16Array();
  #at = 0;

  /** The digest at `words[at …]`. */
  ofWords(algorithm: DigestAlgorithm, words: Uint32Array, at: number): Uint8Array {
    const pairs = HEX_LENGTH[algorithm] / 2;
    const start = this.#reserve(1 + PREFIX_LENGTH + 2 * pairs);
    this.#bytes.set(PREFIXES[algorithm], start + 1);
    let pair = (start + 1 + PREFIX_LENGTH) / 2;
    for (let i = at; i < at + pairs / 4; i++) {
      const word = words[i] ?? 0;
      this.#pairs[pair] = HEX_PAIRS[word >>> 24] ?? 0;
      this.#pairs[pair + 1] = HEX_PAIRS[(word >>> 16) & 0xff] ?? 0;
      this.#pairs[pair + 2] = HEX_PAIRS[(word >>> 8) & 0xff] ?? 0;
      this.#pairs[pair + 3] = HEX_PAIRS[word & 0xff] ?? 0;
      pair += 4;
    }
    return this.#bytes.subarray(start + 1, pair * 2);
  }

  /** A digest that is an object already. */
  of(digest: Digest): Uint8Array {
    return Buffer.from(digest.toString(), "latin1");
  }

  /** `bytes` is even. */
  #reserve(bytes: number): number {
    if (this.#at + bytes > this.#bytes.length) {
      this.#bytes = new Uint8Array(SLAB_BYTES);
      this.#pairs = new Uint16Array(this.#bytes.buffer);
      this.#at = 0;
    }
    const start = this.#at;
    this.#at += bytes;
    return start;
  }
}
