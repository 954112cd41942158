import { noElement } from "../element-at.js";
import { ALGORITHMS, DIGEST_WORDS, writeDigest } from "./digest.js";
import type { DigestAlgorithm } from "./digest.js";
import { REFERENCE_ROLES, VERSION_LIMITS } from "./manifest.js";
import type { Reference, ReferenceRole, VersionLimit } from "./manifest.js";

/**
 * A manifest's references as 32-bit words, to cross threads and to lie in a cache at a fraction of the cost of objects:
 *
 *     count | limit << 24, then for each reference:
 *         role | algorithm << 8 | is a manifest << 16, size (high word), size (low word), the digest's words
 */
const UNKNOWN_SIZE = 0xffffffff;
/** Words of a reference before its digest. */
export const REFERENCE_HEAD = 3;

/** No manifest of 4 MiB has so many references. */
const COUNT_BITS = 24;

/** Packs the references of one manifest. */
export function packReferences(references: readonly Reference[], limit?: VersionLimit): Uint32Array {
  const words = new Uint32Array(
    references.reduce((length, { digest }) => length + REFERENCE_HEAD + DIGEST_WORDS[digest.algorithm], 1),
  );
  words[0] = references.length | (limit === undefined ? 0 : (VERSION_LIMITS.indexOf(limit) + 1) << COUNT_BITS);
  let at = 1;
  for (const { role, digest, size, isManifest = false } of references) {
    packHead(words, at, { role, algorithm: digest.algorithm, size, isManifest });
    writeDigest(digest, words, at + REFERENCE_HEAD);
    at += REFERENCE_HEAD + DIGEST_WORDS[digest.algorithm];
  }
  return words;
}

/** Packs what comes before the digest of a reference. */
export function packHead(
  words: Uint32Array,
  at: number,
  { role, algorithm, size, isManifest }: Omit<PackedReference, "at">,
): void {
  words[at] = REFERENCE_ROLES.indexOf(role) | (ALGORITHMS.indexOf(algorithm) << 8) | (Number(isManifest) << 16);
  words[at + 1] = size === undefined ? UNKNOWN_SIZE : Math.floor(size / 2 ** 32);
  words[at + 2] = size === undefined ? UNKNOWN_SIZE : size >>> 0;
}

/** How many references begin at `offset`. */
export function countReferences(words: Uint32Array, offset: number): number {
  return (words[offset] ?? noElement(offset, words)) & (2 ** COUNT_BITS - 1);
}

/** Which versions cannot read the manifest whose references begin at `offset`. */
export function limitOf(words: Uint32Array, offset: number): VersionLimit | undefined {
  return VERSION_LIMITS[((words[offset] ?? noElement(offset, words)) >>> COUNT_BITS) - 1];
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
  const cursor = new ReferenceCursor();
  cursor.open(words, offset);
  while (cursor.next()) {
    const { role, algorithm, size, isManifest, at } = cursor;
    yield { role, algorithm, size, isManifest, at };
  }
}

/**
 * Walks over the references of one manifest after the other and makes no object for any: the hot loop of a check has ten million of
 * them. `words` must be what `packReferences` made.
 */
export class ReferenceCursor {
  /** Those of the reference that `next` went to; the digest is `words[at …]`. */
  role: ReferenceRole = "layer";
  algorithm: DigestAlgorithm = "sha256";
  size: number | undefined;
  isManifest = false;
  at = 0;
  #words: Uint32Array = NO_WORDS;
  #left = 0;
  #end = 0;

  /** Goes to before the first reference of the manifest at `offset`, and returns how many there are. */
  open(words: Uint32Array, offset: number): number {
    this.#words = words;
    this.#left = countReferences(words, offset);
    this.#end = offset + 1;
    return this.#left;
  }

  /** Goes to the next reference; false when there is none. */
  next(): boolean {
    if (this.#left === 0) return false;
    this.#left--;
    const words = this.#words;
    const head = this.#end;
    const tag = words[head] ?? noElement(head, words);
    const high = words[head + 1] ?? noElement(head + 1, words);
    const low = words[head + 2] ?? noElement(head + 2, words);
    const algorithm = ALGORITHMS[(tag >> 8) & 0xff];
    const role = REFERENCE_ROLES[tag & 0xff];
    if (algorithm === undefined || role === undefined) throw new RangeError("packed references are damaged");
    this.role = role;
    this.algorithm = algorithm;
    this.size = high === UNKNOWN_SIZE ? undefined : high * 2 ** 32 + low;
    this.isManifest = tag >>> 16 === 1;
    this.at = head + REFERENCE_HEAD;
    this.#end = this.at + DIGEST_WORDS[algorithm];
    if (this.#end > words.length) noElement(this.#end - 1, words);
    return true;
  }
}

const NO_WORDS = new Uint32Array();
