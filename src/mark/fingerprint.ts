import type { RepositoryListing } from "../storage/listing.js";

/**
 * All that a repository's links and uploads say, as 64 bits: two listings with the same fingerprint name the same things (but for one
 * chance in 10^19). Does not depend on the order of the listing. A sweep compares it with that of a fresh listing (safety rule 3).
 */
export function fingerprintOf(listing: RepositoryListing): string {
  const sum = new Sum();
  const { revisions, layers, oddLinks, tags, uploads } = listing;
  for (const [section, { digests }] of [revisions, layers].entries())
    for (let at = 0; at < digests.length; at += 8) sum.add(hashWords(digests, at, section));
  for (const { section, algorithm, hex, content } of oddLinks)
    sum.add(hashText(`${section} ${algorithm}:${hex} ${Buffer.from(content).toString("latin1")}`));
  const names = tags.names.map((name) => hashText(`tag ${name}`));
  for (const [tag, name] of names.entries()) sum.add(hashWords(tags.current, tag * 8, name.low));
  for (const [entry, tag] of tags.indexTag.entries())
    sum.add(hashWords(tags.indexDigests, entry * 8, (names[tag]?.low ?? 0) ^ 1));
  for (const { tag, content } of tags.oddCurrent)
    sum.add(hashText(`${tags.names[tag] ?? ""} ${content === undefined ? "absent" : Buffer.from(content).toString("latin1")}`));
  for (const { tag, algorithm, hex, content } of tags.oddIndex)
    sum.add(hashText(`${tags.names[tag] ?? ""} ${algorithm}:${hex} ${Buffer.from(content).toString("latin1")}`));
  for (const { id, bytes } of uploads) sum.add(hashText(`upload ${id} ${bytes}`));
  return sum.toString();
}

/** 64 bits in two halves. */
interface Hash {
  readonly low: number;
  readonly high: number;
}

/** Adds hashes up, so that their order does not matter. */
class Sum {
  #low = 0;
  #high = 0;

  add({ low, high }: Hash): void {
    this.#low = (this.#low + low) >>> 0;
    this.#high = (this.#high + high) >>> 0;
  }

  toString(): string {
    return [this.#high, this.#low].map((half) => half.toString(16).padStart(8, "0")).join("");
  }
}

function hashWords(words: Uint32Array, at: number, seed: number): Hash {
  let low = seed ^ 0x9e3779b9;
  let high = seed ^ 0x7f4a7c15;
  for (let i = at; i < at + 8; i++) {
    const word = words[i] ?? 0;
    low = mix(low ^ word);
    high = mix((high + word) | 0);
  }
  return { low: low >>> 0, high: high >>> 0 };
}

function hashText(text: string): Hash {
  let low = 0x811c9dc5;
  let high = 0x01000193;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    low = mix(low ^ code);
    high = mix((high + code) | 0);
  }
  return { low: low >>> 0, high: high >>> 0 };
}

/** The finalizer of MurmurHash3: every bit of the input changes half of the output's. */
function mix(value: number): number {
  let hash = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
