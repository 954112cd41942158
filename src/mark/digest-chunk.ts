/** Digests of one algorithm, each with its size (bytes) and time (seconds since 1970). */
export interface Chunk {
  readonly digests: Uint32Array;
  readonly sizes: Float64Array;
  readonly modified: Uint32Array;
}

/** A table is cut by the first four bits of digests. */
export const SHARDS = 16;
/** Bits of the first word after these: a small integer, as the words themselves and their differences are not. */
export const REST_BITS = 28;
export const REST = 2 ** REST_BITS - 1;
