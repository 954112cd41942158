import { ALGORITHMS, Digest, HEX_LENGTH } from "./digest.js";

/** A digest is not followed by more hex: that would be a longer number, which only begins like one. */
const DIGESTS = new RegExp(
  `(?:${ALGORITHMS.map((algorithm) => `${algorithm}:[0-9a-f]{${HEX_LENGTH[algorithm]}}`).join("|")})(?![0-9a-fA-F])`,
  "g",
);
/** What is looked at again with the next piece: no digest that goes on there is longer, with the character after it. */
const OVERLAP = "sha512:".length + HEX_LENGTH.sha512;

/** Finds every digest in a text of any kind that comes in pieces of bytes, cut anywhere. */
export class DigestScanner {
  readonly #found = new Set<string>();
  #rest = "";

  /** Takes the next piece. */
  push(piece: Buffer): void {
    // Digests are ASCII, whatever stands around them.
    const text = this.#rest + piece.toString("latin1");
    for (const { 0: digest, index } of text.matchAll(DIGESTS)) if (index + digest.length < text.length) this.#found.add(digest);
    this.#rest = text.slice(-OVERLAP);
  }

  /** All digests that were found, each once, in the order of the text. */
  end(): readonly Digest[] {
    for (const [digest] of this.#rest.matchAll(DIGESTS)) this.#found.add(digest);
    return Array.from(this.#found).flatMap((text) => Digest.parse(text) ?? []);
  }
}
