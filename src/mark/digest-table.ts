import { Digest, DIGEST_WORDS, HEX_LENGTH, hexToWords } from "../registry/digest.js";
import type { DigestAlgorithm } from "../registry/digest.js";
import { compareDigests, sortChunks } from "./sort-digests.js";
import type { Chunk } from "./sort-digests.js";

/**
 * All stored digests of one algorithm, sorted: a digest's position is its number from then on. Digests are uniform, so the bits of the first
 * word lead to a few of them, or a hundred in the largest registries; there is no object for a digest.
 *
 * The table is cut into shards by the first byte: no array grows beyond what an engine takes, and sorting needs room for one shard.
 * Costs 44 bytes a sha256 digest: 32 for itself, 8 for the size, 4 for the time; and 4 for each bucket, of which there are 4,096 a shard at most.
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
    const shard = this.#shards[first >>> 24];
    if (shard === undefined) return -1;
    const { digests, buckets, shift, start } = shard;
    const width = this.#width;
    // Digests in a shard have the first byte in common: what is left of the word is a small integer, as differences of words are not.
    const wanted = first & 0x00ffffff;
    const bucket = wanted >>> shift;
    let low = buckets[bucket] ?? 0;
    let end = buckets[bucket + 1] ?? 0;
    const rest = 1 << shift;
    // Digests are uniform: the bits that the bucket left tell about where, and a neighbour is in memory that was just read.
    let middle = low + Math.floor(((wanted & (rest - 1)) * (end - low)) / rest);
    for (let step = 0; low < end; step++) {
      const key = (digests[middle * width] ?? 0) & 0x00ffffff;
      const order = key === wanted ? compareDigests(digests, middle * width, words, at, width) : key - wanted;
      if (order === 0) return start + middle;
      if (order < 0) low = middle + 1;
      else end = middle;
      // Names are untrusted: where they are not, the rest is halved.
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

/** Digests with the same first byte, sorted. A class, so that all of them have one form: reading a field of many forms takes ten times as long. */
class Shard {
  readonly digests: Uint32Array;
  readonly sizes: Float64Array;
  readonly modified: Uint32Array;
  /** How many of the 24 bits after the first byte do not count for a digest's bucket. */
  readonly shift: number;
  /** Where the digests of each bucket begin, and where those of the last one end. */
  readonly buckets: Uint32Array;

  constructor(
    { digests, sizes, modified }: Chunk,
    width: number,
    /** The number of the first. */
    readonly start: number,
  ) {
    this.digests = digests;
    this.sizes = sizes;
    this.modified = modified;
    const bits = Math.min(MOST_BUCKET_BITS, Math.max(0, 31 - Math.clz32(sizes.length)));
    this.shift = 24 - bits;
    this.buckets = new Uint32Array(2 ** bits + 1);
    for (let i = 0; i < sizes.length; i++) {
      const next = (((digests[i * width] ?? 0) & 0x00ffffff) >>> this.shift) + 1;
      this.buckets[next] = i + 1;
    }
    // One without digests begins where the one before it ends.
    for (let i = 1; i < this.buckets.length; i++) this.buckets[i] ||= this.buckets[i - 1] ?? 0;
  }
}

/** Beyond that, finding takes a step or two more, and the buckets of 100 million digests 4 MB. */
const MOST_BUCKET_BITS = 12;

/** Steps to a neighbour: where a hundred digests are in a bucket, nearly all lie within so many of where they are looked for first. */
const NEIGHBOURS = 12;

/** Collects the digests of a table: chunks by first byte, sorted one shard after the other at the end. */
export class DigestTableBuilder {
  readonly #chunks: Chunk[][] = Array.from({ length: 256 }, () => []);
  readonly #width: number;

  constructor(
    algorithm: DigestAlgorithm,
    private readonly make: (shards: readonly Shard[]) => DigestTable,
  ) {
    this.#width = DIGEST_WORDS[algorithm];
  }

  /** Adds digests with their sizes (bytes) and times (seconds). */
  add({ digests, sizes, modified }: Chunk): void {
    const width = this.#width;
    // Listings come in runs of one first byte; each run is one chunk of its shard.
    for (let begin = 0; begin < sizes.length;) {
      const byte = (digests[begin * width] ?? 0) >>> 24;
      let end = begin + 1;
      while (end < sizes.length && (digests[end * width] ?? 0) >>> 24 === byte) end++;
      this.#chunks[byte]?.push({
        digests: digests.slice(begin * width, end * width),
        sizes: sizes.slice(begin, end),
        modified: modified.slice(begin, end),
      });
      begin = end;
    }
  }

  /** Sorts. `duplicates` counts digests that were added more than once, and kept once: a listing that repeated itself. */
  build(): { readonly table: DigestTable; readonly duplicates: number } {
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
