import { elementAt, noElement } from "../element-at.js";
import { REST, REST_BITS } from "./digest-chunk.js";
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
  readonly #digests: Uint32Array;
  readonly #sizes: Float64Array;
  readonly #modified: Uint32Array;
  /** Where the next digest of each bucket goes: at last, where the bucket ends. */
  readonly #ends: Uint32Array;
  /** How many of the bits that a shard leaves of the first word do not count for a digest's bucket. */
  readonly #shift: number;

  constructor(
    private readonly chunks: readonly Chunk[],
    private readonly width: number,
  ) {
    const count = chunks.reduce((sum, { sizes }) => sum + sizes.length, 0);
    this.#digests = new Uint32Array(count * width);
    this.#sizes = new Float64Array(count);
    this.#modified = new Uint32Array(count);
    // From four to eight in each.
    const bits = Math.min(REST_BITS, Math.max(0, 29 - Math.clz32(count)));
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

  #place({ digests, sizes, modified }: Chunk): void {
    const { width } = this;
    const ends = this.#ends;
    for (let i = 0; i < sizes.length; i++) {
      const bucket = this.#bucket(digests, i);
      const to = ends[bucket] ?? noElement(bucket, ends);
      ends[bucket] = to + 1;
      for (let word = 0; word < width; word++) this.#digests[to * width + word] = digests[i * width + word] ?? 0;
      this.#sizes[to] = sizes[i] ?? 0;
      this.#modified[to] = modified[i] ?? 0;
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
    const digests = this.#digests;
    let to = i;
    while (to > start && compareDigests(digests, (to - 1) * width, digests, i * width, width) > 0) to--;
    if (to === i) return;
    // So few words at a time: `copyWithin` takes longer.
    for (let word = 0; word < width; word++) insert(digests, to * width + word, i * width + word, width);
    insert(this.#sizes, to, i, 1);
    insert(this.#modified, to, i, 1);
  }

  #reorder(start: number, end: number): void {
    const { width } = this;
    const digests = this.#digests.slice(start * width, end * width);
    const sizes = this.#sizes.slice(start, end);
    const modified = this.#modified.slice(start, end);
    const order = Uint32Array.from(sizes.keys());
    order.sort((a, b) => compareDigests(digests, a * width, digests, b * width, width));
    for (const [i, from] of order.entries()) {
      this.#digests.set(digests.subarray(from * width, (from + 1) * width), (start + i) * width);
      this.#sizes[start + i] = elementAt(sizes, from);
      this.#modified[start + i] = elementAt(modified, from);
    }
  }

  /** All of them, each once. */
  distinct(): Chunk {
    const { width } = this;
    const digests = this.#digests;
    let count = 0;
    for (let i = 0; i < this.#sizes.length; i++) {
      if (count > 0 && compareDigests(digests, (count - 1) * width, digests, i * width, width) === 0) continue;
      if (count < i) this.#copy(i, count);
      count++;
    }
    const all = { digests, sizes: this.#sizes, modified: this.#modified };
    if (count === all.sizes.length) return all;
    return { digests: digests.slice(0, count * width), sizes: all.sizes.slice(0, count), modified: all.modified.slice(0, count) };
  }

  #copy(from: number, to: number): void {
    const { width } = this;
    this.#digests.copyWithin(to * width, from * width, (from + 1) * width);
    this.#sizes[to] = elementAt(this.#sizes, from);
    this.#modified[to] = elementAt(this.#modified, from);
  }
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
