import { noElement } from "../element-at.js";

/** Digests of one algorithm, each with its size (bytes) and time (seconds since 1970). */
export interface Chunk {
  readonly digests: Uint32Array;
  readonly sizes: Float64Array;
  readonly modified: Uint32Array;
}

/** Copies digest `from` of one chunk, of `width` words, to place `to` of another, or of the same. */
export function copyDigest(source: Chunk, from: number, target: Chunk, to: number, width: number): void {
  // So few words at a time: a view and `set`, or `copyWithin`, take ten times as long.
  for (let word = 0; word < width; word++) target.digests[to * width + word] = source.digests[from * width + word] ?? 0;
  target.sizes[to] = source.sizes[from] ?? noElement(from, source.sizes);
  target.modified[to] = source.modified[from] ?? noElement(from, source.modified);
}

/** A table is cut by the first four bits of digests. */
export const SHARDS = 16;
/** Bits of the first word after these: a small integer, as the words themselves and their differences are not. */
export const REST_BITS = 28;
export const REST = 2 ** REST_BITS - 1;

/** How many of these bits tell so many digests' buckets: four to eight are in each, unless that would be more than `most`. */
export function bucketBits(count: number, most: number): number {
  return Math.min(most, Math.max(0, 29 - Math.clz32(count)));
}
