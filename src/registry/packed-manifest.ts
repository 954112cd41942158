import { ALGORITHMS, DIGEST_WORDS } from "./digest.js";
import type { DigestAlgorithm } from "./digest.js";
import type { Reference, ReferenceRole } from "./manifest.js";

/**
 * A manifest's references as 32-bit words, to cross threads and to lie in a cache at a fraction of the cost of objects:
 *
 *     count, then for each reference: role | algorithm << 8, size (high word), size (low word), the digest's words
 */
const ROLES = ["config", "layer", "foreign-layer", "child", "subject"] as const satisfies readonly ReferenceRole[];
const UNKNOWN_SIZE = 0xffffffff;

/** Appends the references to `words`. */
export function packReferences(references: readonly Reference[], words: number[]): void {
  words.push(references.length);
  for (const { role, digest, size } of references) {
    words.push(ROLES.indexOf(role) | (ALGORITHMS.indexOf(digest.algorithm) << 8));
    if (size === undefined) words.push(UNKNOWN_SIZE, UNKNOWN_SIZE);
    else words.push(Math.floor(size / 2 ** 32), size >>> 0);
    for (let at = 0; at < digest.hex.length; at += 8) words.push(Number.parseInt(digest.hex.slice(at, at + 8), 16));
  }
}

/** A reference in packed form: the digest is `words[at …]`, of the algorithm's length. */
export interface PackedReference {
  readonly role: ReferenceRole;
  readonly algorithm: DigestAlgorithm;
  readonly size: number | undefined;
  readonly at: number;
}

/** The references that begin at `offset`, in order. `words` must be what `packReferences` made. */
export function* unpackReferences(words: Uint32Array, offset: number): Generator<PackedReference> {
  const count = words[offset] ?? 0;
  let at = offset + 1;
  for (let i = 0; i < count; i++) {
    const tag = words[at] ?? 0;
    const high = words[at + 1] ?? 0;
    const algorithm = ALGORITHMS[tag >> 8];
    const role = ROLES[tag & 0xff];
    if (algorithm === undefined || role === undefined) throw new RangeError("packed references are damaged");
    const size = high === UNKNOWN_SIZE ? undefined : high * 2 ** 32 + (words[at + 2] ?? 0);
    yield { role, algorithm, size, at: at + 3 };
    at += 3 + DIGEST_WORDS[algorithm];
  }
}
