import type { CacheRecords } from "./cache-format.js";
import type { CacheSegment } from "./cache-segment.js";
import type { KnownManifest } from "./read-manifests.js";

/** Bytes of blocks that are kept: all of a registry with some tens of thousands of manifests. */
const MOST_BYTES = 16 * 1024 ** 2;

/**
 * Blocks of the manifest cache that were read and verified of late: the manifests of a repository are spread over all of them, so that each
 * is asked for as often as it has entries.
 */
export class RecentBlocks {
  #blocks = new Map<CacheSegment, Map<number, CacheRecords>>();
  #bytes = 0;

  /** What the segment has of a digest, whose key is given as well. */
  find(segment: CacheSegment, digest: Buffer, key: number): KnownManifest | undefined {
    const number = segment.blockOf(digest, key);
    if (number === undefined) return undefined;
    const records = this.#blocks.get(segment)?.get(number) ?? this.#read(segment, number);
    return records?.find(digest);
  }

  #read(segment: CacheSegment, number: number): CacheRecords | undefined {
    const records = segment.block(number);
    if (records === undefined) return undefined;
    if (this.#bytes + records.length > MOST_BYTES) {
      this.#blocks = new Map();
      this.#bytes = 0;
    }
    const blocks = this.#blocks.get(segment) ?? new Map<number, CacheRecords>();
    this.#blocks.set(segment, blocks.set(number, records));
    this.#bytes += records.length;
    return records;
  }
}
