import { ALGORITHMS, DIGEST_WORDS, writeDigest } from "./digest.js";
import type { DigestAlgorithm } from "./digest.js";
import { REFERENCE_ROLES } from "./manifest.js";
import type { Reference, ReferenceRole } from "./manifest.js";

/**
 * A manifest's references as 32-bit words, to cross threads and to lie in a cache at a fraction of the cost of objects:
 *
 *     count, then for each reference: role | algorithm << 8 | is a manifest << 16, size (high word), size (low word), the digest's words
 */
const UNKNOWN_SIZE = 0xffffffff;
/** Words of a reference before its digest. */
const REFERENCE_HEAD = 3;

/** Packs the references of one manifest. */
export function packReferences(references: readonly Reference[]): Uint32Array {
  const words = new Uint32Array(
    references.reduce((length, { digest }) => length + REFERENCE_HEAD + DIGEST_WORDS[digest.algorithm], 1),
  );
  words[0] = references.length;
  let at = 1;
  for (const { role, digest, size, isManifest } of references) {
    words[at] = REFERENCE_ROLES.indexOf(role) | (ALGORITHMS.indexOf(digest.algorithm) << 8) | (Number(isManifest === true) << 16);
    words[at + 1] = size === undefined ? UNKNOWN_SIZE : Math.floor(size / 2 ** 32);
    words[at + 2] = size === undefined ? UNKNOWN_SIZE : size >>> 0;
    writeDigest(digest, words, at + REFERENCE_HEAD);
    at += REFERENCE_HEAD + DIGEST_WORDS[digest.algorithm];
  }
  return words;
}

/** A reference in packed form: the digest is `words[at …]`, of the algorithm's length. */
export interface PackedReference {
  readonly role: ReferenceRole;
  readonly algorithm: DigestAlgorithm;
  readonly size: number | undefined;
  readonly isManifest: boolean;
  readonly at: number;
}

/** The references that begin at `offset`, in order. `words` must be what `packReferences` made. */
export function* unpackReferences(words: Uint32Array, offset: number): Generator<PackedReference> {
  const count = words[offset] ?? 0;
  let at = offset + 1;
  for (let i = 0; i < count; i++) {
    const tag = words[at] ?? 0;
    const high = words[at + 1] ?? 0;
    const algorithm = ALGORITHMS[(tag >> 8) & 0xff];
    const role = REFERENCE_ROLES[tag & 0xff];
    if (algorithm === undefined || role === undefined) throw new RangeError("packed references are damaged");
    const size = high === UNKNOWN_SIZE ? undefined : high * 2 ** 32 + (words[at + 2] ?? 0);
    yield { role, algorithm, size, isManifest: tag >>> 16 === 1, at: at + REFERENCE_HEAD };
    at += REFERENCE_HEAD + DIGEST_WORDS[algorithm];
  }
}
