import { noElement } from "../element-at.js";
import { bucketBits, copyDigest, REST, REST_BITS } from "./digest-chunk.js";
import type { Chunk } from "./digest-chunk.js";

/**
 * Joins chunks of digests of one shard, in the order of digests; of one that comes more than once the first is kept. Each digest goes to the
 * bucket of its next bits, and the few of a bucket are sorted where they lie: the largest registries have no room for a copy.
 */
export function sortChunks(chunks: readonly Chunk[], width: number): Chunk {
  const sorter = new BucketSorter(chunks, width);
  sorter.fill();
  sorter.sort();
  return sorter.distinct();
}

/** Of a bucket with more than these, which only made up digests fill, the order is found before any is moved. */
const MOST_INSERTED = 64;

class BucketSorter {
  readonly #all: Chunk;
  /** Where the next digest of each bucket goes: at last, where the bucket ends. */
  readonly #ends: Uint32Array;
  /** How many of the bits that a shard leaves of the first word do not count for a digest's bucket. */
  readonly #shift: number;

  constructor(
    private readonly chunks: readonly Chunk[],
    private readonly width: number,
  ) {
    const count = chunks.reduce((sum, { sizes }) => sum + sizes.length, 0);
    this.#all = { digests: new Uint32Array(count * width), sizes: new Float64Array(count), modified: new Uint32Array(count) };
    const bits = bucketBits(count, REST_BITS);
    this.#shift = REST_BITS - bits;
    this.#ends = new Uint32Array(2 ** bits);
  }

  fill(): void {
    const ends = this.#ends;
    for (const { digests, sizes } of this.chunks)
      for (let i = 0; i < sizes.length; i++) {
        const bucket = this.#bucket(digests, i);
        ends[bucket] = (ends[bucket] ?? noElement(bucket, ends)) + 1;
      }
    let next = 0;
    for (let bucket = 0; bucket < ends.length; bucket++) {
      const count = ends[bucket] ?? noElement(bucket, ends);
      ends[bucket] = next;
      next += count;
    }
    for (const chunk of this.chunks) this.#place(chunk);
  }

  #place(chunk: Chunk): void {
    const ends = this.#ends;
    for (let i = 0; i < chunk.sizes.length; i++) {
      const bucket = this.#bucket(chunk.digests, i);
      const to = ends[bucket] ?? noElement(bucket, ends);
      ends[bucket] = to + 1;
      copyDigest(chunk, i, this.#all, to, this.width);
    }
  }

  #bucket(digests: Uint32Array, i: number): number {
    return ((digests[i * this.width] ?? 0) & REST) >>> this.#shift;
  }

  sort(): void {
    let start = 0;
    for (let bucket = 0; bucket < this.#ends.length; bucket++) {
      const end = this.#ends[bucket] ?? noElement(bucket, this.#ends);
      if (end - start > MOST_INSERTED) this.#reorder(start, end);
      else for (let i = start + 1; i < end; i++) this.#insert(start, i);
      start = end;
    }
  }

  /** Moves digest `i` to its place among those from `start` on, which are sorted: behind its equals. */
  #insert(start: number, i: number): void {
    const { width } = this;
    const { digests, sizes, modified } = this.#all;
    let to = i;
    while (to > start && compareDigests(digests, (to - 1) * width, digests, i * width, width) > 0) to--;
    if (to === i) return;
    for (let word = 0; word < width; word++) insert(digests, to * width + word, i * width + word, width);
    insert(sizes, to, i, 1);
    insert(modified, to, i, 1);
  }

  #reorder(start: number, end: number): void {
    const { width } = this;
    const some = slice(this.#all, start, end, width);
    const order = Uint32Array.from(some.sizes.keys());
    order.sort((a, b) => compareDigests(some.digests, a * width, some.digests, b * width, width));
    for (const [i, from] of order.entries()) copyDigest(some, from, this.#all, start + i, width);
  }

  /** All of them, each once. */
  distinct(): Chunk {
    const { width } = this;
    const { digests, sizes } = this.#all;
    let count = 0;
    for (let i = 0; i < sizes.length; i++) {
      if (count > 0 && compareDigests(digests, (count - 1) * width, digests, i * width, width) === 0) continue;
      if (count < i) copyDigest(this.#all, i, this.#all, count, width);
      count++;
    }
    return count === sizes.length ? this.#all : slice(this.#all, 0, count, width);
  }
}

/** A copy of the digests from `start` to before `end`. */
function slice({ digests, sizes, modified }: Chunk, start: number, end: number, width: number): Chunk {
  return {
    digests: digests.slice(start * width, end * width),
    sizes: sizes.slice(start, end),
    modified: modified.slice(start, end),
  };
}

/** Moves the value at `from` to `to`, and those from there on by one place, of `width` values each. */
function insert(values: Float64Array | Uint32Array, to: number, from: number, width: number): void {
  const moved = values[from] ?? noElement(from, values);
  for (let at = from; at > to; at -= width) values[at] = values[at - width] ?? noElement(at - width, values);
  values[to] = moved;
}

/** Their order as hex, below, at or above 0. */
export function compareDigests(a: Uint32Array, atA: number, b: Uint32Array, atB: number, width: number): number {
  for (let i = 0; i < width; i++) {
    const one = a[atA + i] ?? 0;
    const other = b[atB + i] ?? 0;
    if (one !== other) return one < other ? -1 : 1;
  }
  return 0;
}
