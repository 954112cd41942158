import type { Chunk } from "./sort-digests.js";

/** Digests in the smallest slab, and in the largest: 46 MB of sha256. */
const LEAST = 4096;
const MOST = 2 ** 20;

/**
 * Room for the chunks of many batches in one piece of memory: the C library gives pieces of 32 MiB and more back to the system as soon as they
 * are free (`DEFAULT_MMAP_THRESHOLD_MAX` in glibc's `malloc.c`), where millions of smaller ones leave holes that nothing fits into.
 */
export class Slab implements Chunk {
  readonly digests: Uint32Array;
  readonly sizes: Float64Array;
  readonly modified: Uint32Array;
  #count = 0;

  constructor(
    private readonly room: number,
    private readonly width: number,
  ) {
    const memory = new ArrayBuffer(room * (8 + (width + 1) * 4));
    this.sizes = new Float64Array(memory, 0, room);
    this.digests = new Uint32Array(memory, room * 8, room * width);
    this.modified = new Uint32Array(memory, room * (8 + width * 4), room);
  }

  /** For how many more digests there is room. */
  get left(): number {
    return this.room - this.#count;
  }

  /** An empty one, larger as long as that is worth it. */
  next(): Slab {
    return new Slab(Math.min(MOST, Math.max(LEAST, this.room * 2)), this.width);
  }

  /** Copies a part of a batch for which there is room, and returns the copy. */
  append({ digests, sizes, modified }: Chunk, begin: number, end: number): Chunk {
    const { width } = this;
    const from = this.#count;
    const to = (this.#count += end - begin);
    this.digests.set(digests.subarray(begin * width, end * width), from * width);
    this.sizes.set(sizes.subarray(begin, end), from);
    this.modified.set(modified.subarray(begin, end), from);
    return {
      digests: this.digests.subarray(from * width, to * width),
      sizes: this.sizes.subarray(from, to),
      modified: this.modified.subarray(from, to),
    };
  }
}
