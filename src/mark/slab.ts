import { noElement } from "../element-at.js";
import type { Chunk } from "./digest-chunk.js";

/** Digests in the smallest slab, and in the largest: 46 MB of sha256. */
const LEAST = 1024;
const MOST = 2 ** 20;

/**
 * Room for many digests in one piece of memory: the C library gives pieces of 32 MiB and more back to the system as soon as they are free
 * (`DEFAULT_MMAP_THRESHOLD_MAX` in glibc's `malloc.c`), where smaller ones leave holes that nothing fits into.
 */
export class Slab {
  readonly #digests: Uint32Array;
  readonly #sizes: Float64Array;
  readonly #modified: Uint32Array;
  #count = 0;

  constructor(
    private readonly width: number,
    private readonly room = LEAST,
  ) {
    const memory = new ArrayBuffer(room * (8 + (width + 1) * 4));
    this.#sizes = new Float64Array(memory, 0, room);
    this.#digests = new Uint32Array(memory, room * 8, room * width);
    this.#modified = new Uint32Array(memory, room * (8 + width * 4), room);
  }

  get isFull(): boolean {
    return this.#count === this.room;
  }

  /** An empty one, larger as long as that is worth it. */
  next(): Slab {
    return new Slab(this.width, Math.min(MOST, this.room * 2));
  }

  /** Copies one of these digests. */
  add({ digests, sizes, modified }: Chunk, i: number): void {
    const { width } = this;
    const at = this.#count++;
    // A view and `set` take ten times as long for so few words.
    for (let word = 0; word < width; word++) this.#digests[at * width + word] = digests[i * width + word] ?? 0;
    this.#sizes[at] = sizes[i] ?? noElement(i, sizes);
    this.#modified[at] = modified[i] ?? noElement(i, modified);
  }

  /** All that it holds, as long as nothing is added. */
  get chunk(): Chunk {
    return {
      digests: this.#digests.subarray(0, this.#count * this.width),
      sizes: this.#sizes.subarray(0, this.#count),
      modified: this.#modified.subarray(0, this.#count),
    };
  }
}
