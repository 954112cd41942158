import { noElement } from "../element-at.js";
import { Digest, DIGEST_WORDS, HEX_LENGTH, hexToWords } from "../registry/digest.js";
import type { DigestAlgorithm } from "../registry/digest.js";
import { Shard } from "./shard.js";
import { Slab } from "./slab.js";
import { compareDigests, sortChunks } from "./sort-digests.js";
import type { Chunk } from "./sort-digests.js";

/**
 * All stored digests of one algorithm, sorted: a digest's position is its number from then on. Digests are uniform, so the bits of the first
 * word lead to a few of them, or a dozen in the largest registries; there is no object for a digest.
 *
 * The table is cut into shards by the first byte: no array grows beyond what an engine takes, and sorting needs room for one shard.
 * Costs 44 bytes a sha256 digest: 32 for itself, 8 for the size, 4 for the time; and 4 for each bucket of four or more.
 */
export class DigestTable {
  readonly #shards: readonly Shard[];
  readonly #width: number;
  /** Number of digests. */
  readonly count: number;

  private constructor(
    readonly algorithm: DigestAlgorithm,
    shards: readonly Shard[],
  ) {
    this.#shards = shards;
    this.#width = DIGEST_WORDS[algorithm];
    this.count = shards.reduce((sum, shard) => sum + shard.sizes.length, 0);
  }

  /** The number of the digest at `words[at …]`, or -1 when it is not stored. */
  find(words: Uint32Array, at: number): number {
    const first = words[at] ?? 0;
    return this.#findFrom(this.#shards[first >>> 24]?.guess(first & 0x00ffffff) ?? 0, words, at);
  }

  /**
   * The same for each digest that begins at one of `positions`. In a large table each step waits for memory that no cache holds. It serves many
   * at a time, as long as no step decides about the next: so a step is made for hundreds before the next is.
   */
  findAll(words: Uint32Array, positions: Uint32Array): Int32Array {
    const found = new Int32Array(positions.length);
    for (let begin = 0; begin < found.length; begin += AT_A_TIME) {
      const count = Math.min(AT_A_TIME, found.length - begin);
      this.#guessAll(words, positions, begin, count);
      this.#touch(count);
      for (let i = 0; i < count; i++) {
        const at = positions[begin + i] ?? noElement(begin + i, positions);
        found[begin + i] = this.#findFrom(guesses[i] ?? noElement(i, guesses), words, at);
      }
    }
    return found;
  }

  #guessAll(words: Uint32Array, positions: Uint32Array, begin: number, count: number): void {
    const shards = this.#shards;
    for (let i = 0; i < count; i++) {
      const first = words[positions[begin + i] ?? 0] ?? 0;
      const byte = first >>> 24;
      bytes[i] = byte;
      guesses[i] = shards[byte]?.guess(first & 0x00ffffff) ?? 0;
    }
  }

  /** Reads what is to be compared first, so that it is in a cache when it is. */
  #touch(count: number): void {
    const shards = this.#shards;
    const width = this.#width;
    for (let i = 0; i < count; i++) touched[i] = shards[bytes[i] ?? 0]?.digests[(guesses[i] ?? 0) * width] ?? 0;
  }

  #findFrom(guess: number, words: Uint32Array, at: number): number {
    const first = words[at] ?? 0;
    const shard = this.#shards[first >>> 24];
    if (shard === undefined) return -1;
    const { digests, buckets, shift, start } = shard;
    const width = this.#width;
    // Digests in a shard have the first byte in common: what is left of the word is a small integer, as differences of words are not.
    const wanted = first & 0x00ffffff;
    const bucket = wanted >>> shift;
    let low = buckets[bucket] ?? 0;
    let end = buckets[bucket + 1] ?? 0;
    let middle = guess;
    for (let step = 0; low < end; step++) {
      const key = (digests[middle * width] ?? 0) & 0x00ffffff;
      const order = key === wanted ? compareDigests(digests, middle * width, words, at, width) : key - wanted;
      if (order === 0) return start + middle;
      if (order < 0) low = middle + 1;
      else end = middle;
      // A neighbour is in memory that was just read. Names are untrusted: where they are not, the rest is halved.
      if (step >= NEIGHBOURS) middle = (low + end) >>> 1;
      else middle = order < 0 ? low : end - 1;
    }
    return -1;
  }

  /** Numbers of the first `limit` digests whose hex begins with `prefix`, of two characters or more. */
  withPrefix(prefix: string, limit: number): number[] {
    const shard = this.#shards[Number.parseInt(prefix.slice(0, 2), 16)];
    if (shard === undefined) return [];
    const width = this.#width;
    const least = hexToWords(this.algorithm, [prefix.padEnd(HEX_LENGTH[this.algorithm], "0")]);
    let low = 0;
    let high = shard.sizes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareDigests(shard.digests, middle * width, least, 0, width) < 0) low = middle + 1;
      else high = middle;
    }
    const found: number[] = [];
    for (let i = low; i < shard.sizes.length && found.length < limit; i++) {
      if (!Digest.fromWords(this.algorithm, shard.digests, i * width).hex.startsWith(prefix)) break;
      found.push(shard.start + i);
    }
    return found;
  }

  /** Size in bytes of digest number `index`. */
  size(index: number): number {
    const shard = this.#shardOf(index);
    return shard.sizes[index - shard.start] ?? 0;
  }

  /** When digest number `index` was written, in seconds since 1970. */
  modified(index: number): number {
    const shard = this.#shardOf(index);
    return shard.modified[index - shard.start] ?? 0;
  }

  /** Copies the words of digest number `index` to `target[at …]`. */
  copyWords(index: number, target: Uint32Array, at: number): void {
    const shard = this.#shardOf(index);
    const from = (index - shard.start) * this.#width;
    // A view and `set` take ten times as long for so few words.
    for (let word = 0; word < this.#width; word++) target[at + word] = shard.digests[from + word] ?? 0;
  }

  /** Calls `visit` for each digest in order: number, size in bytes, modified in seconds. */
  forEach(visit: (index: number, size: number, modified: number) => void): void {
    for (const { sizes, modified, start } of this.#shards) {
      for (let i = 0; i < sizes.length; i++) visit(start + i, sizes[i] ?? 0, modified[i] ?? 0);
    }
  }

  /** Digests are uniform: the first guess is right, or one of its neighbours is. */
  #shardOf(index: number): Shard {
    const shards = this.#shards;
    let at = Math.floor((index / this.count) * shards.length);
    let shard = shards[at];
    while (shard !== undefined && index < shard.start) shard = shards[--at];
    while (shard !== undefined && index - shard.start >= shard.sizes.length) shard = shards[++at];
    if (shard === undefined || index < shard.start) throw new RangeError(`no digest has the number ${index}`);
    return shard;
  }

  /** Collects digests in any order. */
  static builder(algorithm: DigestAlgorithm): DigestTableBuilder {
    return new DigestTableBuilder(algorithm, (shards) => new DigestTable(algorithm, shards));
  }
}

/** Digests that are looked for at a time: those that are compared with them fit into any core's own cache. */
const AT_A_TIME = 256;
/** Of each of them the first byte, where it is looked for first, and what was read there. */
const bytes = new Uint8Array(AT_A_TIME);
const guesses = new Int32Array(AT_A_TIME);
const touched = new Uint32Array(AT_A_TIME);

/** Steps to a neighbour: where a hundred digests are in a bucket, nearly all lie within so many of where they are looked for first. */
const NEIGHBOURS = 12;

/** Collects the digests of a table: chunks by first byte, sorted one shard after the other at the end. */
export class DigestTableBuilder {
  readonly #chunks: Chunk[][] = Array.from({ length: 256 }, () => []);
  readonly #width: number;
  #slab: Slab;

  constructor(
    algorithm: DigestAlgorithm,
    private readonly make: (shards: readonly Shard[]) => DigestTable,
  ) {
    this.#width = DIGEST_WORDS[algorithm];
    this.#slab = new Slab(0, this.#width);
  }

  /** Adds digests with their sizes (bytes) and times (seconds). */
  add(batch: Chunk): void {
    const { digests, sizes } = batch;
    const width = this.#width;
    // Listings come in runs of one first byte; each run is one chunk of its shard.
    for (let begin = 0; begin < sizes.length;) {
      const byte = (digests[begin * width] ?? 0) >>> 24;
      let end = begin + 1;
      while (end < sizes.length && (digests[end * width] ?? 0) >>> 24 === byte) end++;
      if (this.#slab.left === 0) this.#slab = this.#slab.next();
      end = Math.min(end, begin + this.#slab.left);
      this.#chunks[byte]?.push(this.#slab.append(batch, begin, end));
      begin = end;
    }
  }

  /** Sorts. `duplicates` counts digests that were added more than once, and kept once: a listing that repeated itself. */
  build(): { readonly table: DigestTable; readonly duplicates: number } {
    this.#slab = new Slab(0, this.#width);
    let start = 0;
    let duplicates = 0;
    const shards = this.#chunks.map((chunks, byte) => {
      const sorted = sortChunks(chunks, this.#width);
      this.#chunks[byte] = [];
      duplicates += chunks.reduce((sum, chunk) => sum + chunk.sizes.length, 0) - sorted.sizes.length;
      const shard = new Shard(sorted, this.#width, start);
      start += sorted.sizes.length;
      return shard;
    });
    return { table: this.make(shards), duplicates };
  }
}
