/** A digest names content by its hash. A registry takes these algorithms, 2.8 and 3.1 alike (`go-digest`, `algorithm.go`). */
export type DigestAlgorithm = "sha256" | "sha512" | "sha384";

/** Number of 32-bit words in a digest: bulk data holds digests as big-endian words in a `Uint32Array`. */
export const DIGEST_WORDS: Readonly<Record<DigestAlgorithm, number>> = { sha256: 8, sha512: 16, sha384: 12 };

/** Number of hex characters in a digest. */
export const HEX_LENGTH: Readonly<Record<DigestAlgorithm, number>> = { sha256: 64, sha512: 128, sha384: 96 };

/** All algorithms, in the order in which tables are laid out. */
export const ALGORITHMS = ["sha256", "sha512", "sha384"] as const satisfies readonly DigestAlgorithm[];

/** Whether it is an algorithm, as it stands in a path or before the colon of a digest. */
export function isDigestAlgorithm(text: string): text is DigestAlgorithm {
  return text === "sha256" || text === "sha512" || text === "sha384";
}

/** The value of each lower-case hex digit by its character code; -1 for all else. */
const NIBBLES = new Int8Array(128).fill(-1);
for (let value = 0; value < 16; value++) NIBBLES[value.toString(16).charCodeAt(0)] = value;

/**
 * Whether `hex` is what the algorithm's digests look like: lower case, of the right length. Asked for every name and every link, where
 * a table takes half the time of a regular expression.
 */
export function isDigestHex(algorithm: DigestAlgorithm, hex: string): boolean {
  if (hex.length !== HEX_LENGTH[algorithm]) return false;
  let all = 0;
  for (let i = 0; i < hex.length; i++) all |= NIBBLES[hex.charCodeAt(i)] ?? -1;
  return all >= 0;
}

/** For converting words to hex without an allocation each: no digest is longer. */
const scratchWords = new Uint32Array(16);
const scratch = Buffer.from(scratchWords.buffer);

/** A well-formed digest. Made by its parsers only, so whoever has one need not check it again. */
export class Digest {
  private constructor(
    readonly algorithm: DigestAlgorithm,
    readonly hex: string,
  ) {}

  /** `sha256:<64 lower-case hex>`, `sha384:<96>` or `sha512:<128>`, exactly: no white space, no other algorithm. */
  static parse(text: string): Digest | undefined {
    const colon = text.indexOf(":");
    return colon < 0 ? undefined : Digest.fromParts(text.slice(0, colon), text.slice(colon + 1));
  }

  /** From the two path components of the layout, `sha256` and the hex. */
  static fromParts(algorithm: string, hex: string): Digest | undefined {
    return isDigestAlgorithm(algorithm) && isDigestHex(algorithm, hex) ? new Digest(algorithm, hex) : undefined;
  }

  /** From words of a packed list, which hold nothing but well-formed digests. */
  static fromWords(algorithm: DigestAlgorithm, words: Uint32Array, offset: number): Digest {
    const count = DIGEST_WORDS[algorithm];
    for (let i = 0; i < count; i++) scratchWords[i] = bigEndian(words[offset + i] ?? 0);
    return new Digest(algorithm, scratch.toString("hex", 0, count * 4));
  }

  /** The digest as big-endian 32-bit words. */
  toWords(): Uint32Array {
    return hexToWords(this.algorithm, [this.hex]);
  }

  toString(): string {
    return `${this.algorithm}:${this.hex}`;
  }

  equals(other: Digest): boolean {
    return this.hex === other.hex && this.algorithm === other.algorithm;
  }
}

/** Writes a digest to `words[at …]`. */
export function writeDigest({ hex }: Digest, words: Uint32Array, at: number): void {
  writeHex(hex, words, at);
}

/** The same for the hex of one, which the caller has checked. */
export function writeHex(hex: string, words: Uint32Array, at: number): void {
  for (let begin = 0; begin < hex.length; begin += 8) {
    let word = 0;
    for (let i = begin; i < begin + 8; i++) word = (word << 4) | (NIBBLES[hex.charCodeAt(i)] ?? 0);
    words[at + begin / 8] = word;
  }
}

/**
 * Reads hex of `count` words where it lies in bytes, to `words[to …]`. False where it is not all lower-case hex: then what is written there
 * is worth nothing.
 */
export function readHexWords(bytes: Uint8Array, at: number, count: number, words: Uint32Array, to: number): boolean {
  let all = 0;
  for (let word = 0, from = at; word < count; word++) {
    let value = 0;
    for (const end = from + 8; from < end; from++) {
      const nibble = NIBBLES[bytes[from] ?? 0] ?? -1;
      all |= nibble;
      value = (value << 4) | nibble;
    }
    words[to + word] = value;
  }
  return all >= 0;
}

/** Digests of one algorithm in a list that grows, as words. */
export class DigestList {
  readonly #width: number;
  #words: Uint32Array;
  #length = 0;

  constructor(algorithm: DigestAlgorithm) {
    this.#width = DIGEST_WORDS[algorithm];
    this.#words = new Uint32Array(FIRST_DIGESTS * this.#width);
  }

  /** How many there are. */
  get count(): number {
    return this.#length / this.#width;
  }

  /** The caller has checked `hex` with `isDigestHex`. */
  push(hex: string): void {
    if (this.#length === this.#words.length) this.#grow();
    writeHex(hex, this.#words, this.#length);
    this.#length += this.#width;
  }

  /** The same for a digest that is in words already, as the first of them. */
  pushWords(words: Uint32Array): void {
    if (this.#length === this.#words.length) this.#grow();
    for (let i = 0; i < this.#width; i++) this.#words[this.#length + i] = words[i] ?? 0;
    this.#length += this.#width;
  }

  #grow(): void {
    const grown = new Uint32Array(this.#words.length * 2);
    grown.set(this.#words);
    this.#words = grown;
  }

  /** For a digest that is not there: zeros in its place. */
  pushNothing(): void {
    this.push(NO_DIGEST.slice(0, this.#width * 8));
  }

  /** All of them, in memory that has room for no more. */
  toWords(): Uint32Array {
    return this.#words.slice(0, this.#length);
  }
}

const FIRST_DIGESTS = 64;
const NO_DIGEST = "0".repeat(HEX_LENGTH.sha512);

/** Packs the hex of many digests of one algorithm into big-endian words. The caller has checked each with `isDigestHex`. */
export function hexToWords(algorithm: DigestAlgorithm, hexes: readonly string[]): Uint32Array {
  const width = DIGEST_WORDS[algorithm] * 4;
  const bytes = Buffer.alloc(hexes.length * width);
  let offset = 0;
  for (const hex of hexes) {
    bytes.write(hex, offset, width, "hex");
    offset += width;
  }
  return bytesToWords(bytes);
}

/** The hex of each of a packed list's digests, which are well-formed. */
export function wordsToHexes(algorithm: DigestAlgorithm, words: Uint32Array): string[] {
  const copy = words.slice();
  const bytes = Buffer.from(copy.buffer, copy.byteOffset, copy.byteLength);
  if (LITTLE_ENDIAN) bytes.swap32();
  const width = DIGEST_WORDS[algorithm] * 4;
  return Array.from({ length: bytes.length / width }, (_, i) => bytes.toString("hex", i * width, (i + 1) * width));
}

/** Reads bytes as big-endian words. The bytes are consumed: they may be swapped in place. */
export function bytesToWords(bytes: Buffer): Uint32Array {
  const own = bytes.byteOffset % 4 === 0 ? bytes : Buffer.from(bytes);
  if (LITTLE_ENDIAN) own.swap32();
  return new Uint32Array(own.buffer, own.byteOffset, own.byteLength / 4);
}

/** A word whose bytes in memory are its own from the highest to the lowest. */
function bigEndian(word: number): number {
  if (!LITTLE_ENDIAN) return word;
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}

const LITTLE_ENDIAN = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;
