import { elementAt, noElement } from "../element-at.js";
import type { RepositoryListing } from "../storage/listing.js";

/**
 * All that a repository's links and uploads say, as 64 bits: two listings with the same fingerprint name the same things (but for one
 * chance in 10^19). Does not depend on the order of the listing. A sweep compares it with that of a fresh listing (safety rule 3).
 */
export function fingerprintOf(listing: RepositoryListing): string {
  const sum = new Sum();
  const { revisions, layers, oddLinks, tags, uploads } = listing;
  sum.addDigests(revisions.digests, 0);
  sum.addDigests(layers.digests, 1);
  for (const { section, algorithm, hex, content } of oddLinks)
    sum.addText(`${section} ${algorithm}:${hex} ${Buffer.from(content).toString("latin1")}`);
  const seeds = tags.names.map((name) => sum.addText(`tag ${name}`));
  for (let tag = 0; tag < seeds.length; tag++) sum.addDigest(tags.current, tag * 8, elementAt(seeds, tag));
  const { indexTag, indexDigests } = tags;
  for (let entry = 0; entry < indexTag.length; entry++)
    sum.addDigest(indexDigests, entry * 8, elementAt(seeds, elementAt(indexTag, entry)) ^ 1);
  for (const { tag, content } of tags.oddCurrent) sum.addText(`${elementAt(tags.names, tag)} ${textOf(content)}`);
  for (const { tag, algorithm, hex, content } of tags.oddIndex)
    sum.addText(`${elementAt(tags.names, tag)} ${algorithm}:${hex} ${textOf(content)}`);
  for (const { id, bytes } of uploads) sum.addText(`upload ${id} ${bytes}`);
  return sum.toString();
}

function textOf(content: Uint8Array | undefined): string {
  return content === undefined ? "absent" : Buffer.from(content).toString("latin1");
}

/** Adds hashes of 64 bits up, in two halves, so that their order does not matter. */
class Sum {
  #low = 0;
  #high = 0;

  addDigests(words: Uint32Array, seed: number): void {
    for (let at = 0; at < words.length; at += 8) this.addDigest(words, at, seed);
  }

  addDigest(words: Uint32Array, at: number, seed: number): void {
    let low = seed ^ 0x9e3779b9;
    let high = seed ^ 0x7f4a7c15;
    for (let i = at; i < at + 8; i++) {
      const word = words[i] ?? noElement(i, words);
      low = mix(low ^ word);
      high = mix((high + word) | 0);
    }
    this.#add(low, high);
  }

  /** Returns half of the text's hash. */
  addText(text: string): number {
    let low = 0x811c9dc5;
    let high = 0x01000193;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      low = mix(low ^ code);
      high = mix((high + code) | 0);
    }
    this.#add(low, high);
    return low >>> 0;
  }

  #add(low: number, high: number): void {
    this.#low = (this.#low + low) | 0;
    this.#high = (this.#high + high) | 0;
  }

  toString(): string {
    return [this.#high, this.#low].map((half) => (half >>> 0).toString(16).padStart(8, "0")).join("");
  }
}

/** The finalizer of MurmurHash3: every bit of the input changes half of the output's. */
function mix(value: number): number {
  let hash = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
