import { elementAt, noElement } from "../element-at.js";
import { Digest, DIGEST_WORDS, HEX_LENGTH, hexToWords } from "../registry/digest.js";
import type { DigestAlgorithm } from "../registry/digest.js";
import { REST, REST_BITS, SHARDS } from "./digest-chunk.js";
import type { Chunk } from "./digest-chunk.js";
import { Shard } from "./shard.js";
import { Slab } from "./slab.js";
import { compareDigests, sortChunks } from "./sort-digests.js";

/**
 * All stored digests of one algorithm, sorted: a digest's position is its number from then on. Digests are uniform, so the bits of the first
 * word lead to a few of them, or a dozen in the largest registries; there is no object for a digest.
 *
 * The table is cut into shards: no array grows beyond what an engine takes, and sorting needs room for one of them.
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
    return this.#findFrom(this.#shards[first >>> REST_BITS]?.guess(first & REST) ?? 0, words, at);
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
      const at = positions[begin + i] ?? noElement(begin + i, positions);
      const first = words[at] ?? noElement(at, words);
      const shard = first >>> REST_BITS;
      shardsOf[i] = shard;
      guesses[i] = shards[shard]?.guess(first & REST) ?? 0;
    }
  }

  /** Reads what is to be compared first, so that it is in a cache when it is. */
  #touch(count: number): void {
    const shards = this.#shards;
    const width = this.#width;
    for (let i = 0; i < count; i++) touched[i] = shards[shardsOf[i] ?? 0]?.digests[(guesses[i] ?? 0) * width] ?? 0;
  }

  #findFrom(guess: number, words: Uint32Array, at: number): number {
    const first = words[at] ?? 0;
    const shard = this.#shards[first >>> REST_BITS];
    if (shard === undefined) return -1;
    const { digests, buckets, shift, start } = shard;
    const width = this.#width;
    const wanted = first & REST;
    const bucket = wanted >>> shift;
    let low = buckets[bucket] ?? 0;
    let end = buckets[bucket + 1] ?? 0;
    let middle = guess;
    for (let step = 0; low < end; step++) {
      const key = (digests[middle * width] ?? 0) & REST;
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

  /** Numbers of the first `limit` digests whose hex begins with `prefix`, of a character or more. */
  withPrefix(prefix: string, limit: number): number[] {
    const shard = this.#shards[Number.parseInt(prefix.slice(0, 1), 16)];
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
/** Of each of them the shard, where it is looked for first, and what is there: nobody asks for that, but the reading is not left out so. */
const shardsOf = new Uint8Array(AT_A_TIME);
const guesses = new Int32Array(AT_A_TIME);
const touched = new Uint32Array(AT_A_TIME);

/** Steps to a neighbour: beyond so many, digests are not uniform. */
const NEIGHBOURS = 12;

/** Collects the digests of a table by shard, to be sorted one shard after the other at the end. */
export class DigestTableBuilder {
  readonly #slabs: Slab[][];
  readonly #width: number;

  constructor(
    algorithm: DigestAlgorithm,
    private readonly make: (shards: readonly Shard[]) => DigestTable,
  ) {
    this.#width = DIGEST_WORDS[algorithm];
    this.#slabs = Array.from({ length: SHARDS }, () => []);
  }

  /** Adds digests in any order with their sizes (bytes) and times (seconds). */
  add(batch: Chunk): void {
    const { digests, sizes } = batch;
    for (let i = 0; i < sizes.length; i++) {
      const at = i * this.#width;
      const slabs = elementAt(this.#slabs, (digests[at] ?? noElement(at, digests)) >>> REST_BITS);
      let slab = slabs.at(-1);
      if (slab === undefined || slab.isFull) slabs.push((slab = slab?.next() ?? new Slab(this.#width)));
      slab.add(batch, i);
    }
  }

  /** Sorts. `duplicates` counts digests that were added more than once, and kept once: a listing that repeated itself. */
  build(): { readonly table: DigestTable; readonly duplicates: number } {
    let start = 0;
    let duplicates = 0;
    const shards = this.#slabs.map((slabs) => {
      // Their memory is free before that of the next shard is asked for.
      const chunks = slabs.splice(0).map(({ chunk }) => chunk);
      const sorted = sortChunks(chunks, this.#width);
      duplicates += chunks.reduce((sum, { sizes }) => sum + sizes.length, 0) - sorted.sizes.length;
      const shard = new Shard(sorted, this.#width, start);
      start += sorted.sizes.length;
      return shard;
    });
    return { table: this.make(shards), duplicates };
  }
}
