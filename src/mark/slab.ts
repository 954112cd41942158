import { copyDigest } from "./digest-chunk.js";
import type { Chunk } from "./digest-chunk.js";

/** Digests in the smallest slab, and in the largest: 46 MB of sha256. */
const LEAST = 1024;
const MOST = 2 ** 20;

/**
 * Room for many digests in one piece of memory: the C library gives pieces of 32 MiB and more back to the system as soon as they are free
 * (`DEFAULT_MMAP_THRESHOLD_MAX` in glibc's `malloc.c`), where smaller ones leave holes that nothing fits into.
 */
export class Slab {
  readonly #all: Chunk;
  #count = 0;

  constructor(
    private readonly width: number,
    private readonly room = LEAST,
  ) {
    const memory = new ArrayBuffer(room * (8 + (width + 1) * 4));
    this.#all = {
      sizes: new Float64Array(memory, 0, room),
      digests: new Uint32Array(memory, room * 8, room * width),
      modified: new Uint32Array(memory, room * (8 + width * 4), room),
    };
  }

  get isFull(): boolean {
    return this.#count === this.room;
  }

  /** An empty one, larger as long as that is worth it. */
  next(): Slab {
    return new Slab(this.width, Math.min(MOST, this.room * 2));
  }

  /** Copies one of these digests. */
  add(batch: Chunk, i: number): void {
    copyDigest(batch, i, this.#all, this.#count++, this.width);
  }

  /** All that it holds, as long as nothing is added. */
  get chunk(): Chunk {
    const { digests, sizes, modified } = this.#all;
    const count = this.#count;
    return {
      digests: digests.subarray(0, count * this.width),
      sizes: sizes.subarray(0, count),
      modified: modified.subarray(0, count),
    };
  }
}
