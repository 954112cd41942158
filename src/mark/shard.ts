import { bucketBits, REST, REST_BITS } from "./digest-chunk.js";
import type { Chunk } from "./digest-chunk.js";

/** A bucket has a dozen digests where there are 100 million of them, whose buckets take 34 MB. */
const MOST_BUCKET_BITS = 19;

/** Digests with the same first bits, sorted. A class, so that all of them have one form: reading a field of many forms takes ten times as long. */
export class Shard {
  readonly digests: Uint32Array;
  readonly sizes: Float64Array;
  readonly modified: Uint32Array;
  /** How many of the rest's bits do not count for a digest's bucket. */
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
    const bits = bucketBits(sizes.length, MOST_BUCKET_BITS);
    this.shift = REST_BITS - bits;
    this.buckets = new Uint32Array(2 ** bits + 1);
    for (let i = 0; i < sizes.length; i++) {
      const next = (((digests[i * width] ?? 0) & REST) >>> this.shift) + 1;
      this.buckets[next] = i + 1;
    }
    // One without digests begins where the one before it ends.
    for (let i = 1; i < this.buckets.length; i++) this.buckets[i] ||= this.buckets[i - 1] ?? 0;
  }

  /** Where to look first for a digest whose first word has this rest: digests are uniform, so what the bucket leaves of it tells about where. */
  guess(wanted: number): number {
    const bucket = wanted >>> this.shift;
    const low = this.buckets[bucket] ?? 0;
    const rest = 1 << this.shift;
    return low + Math.floor(((wanted & (rest - 1)) * ((this.buckets[bucket + 1] ?? 0) - low)) / rest);
  }
}
