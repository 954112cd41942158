import { noElement } from "../element-at.js";

/** No number of a blob: marks a free slot. */
const FREE = 0xffffffff;
/** The largest number that a `NumberMap` holds. */
export const MAX_NUMBER = FREE - 1;

/**
 * A map from numbers to numbers, both below 2^32 - 1, in two typed arrays: 16 bytes an entry at most, where a `Map` takes over 40
 * and ends at 16.7 million. Open addressing with linear probing; entries are never removed.
 */
export class NumberMap {
  #keys = new Uint32Array(1024).fill(FREE);
  #values = new Uint32Array(1024);
  #size = 0;

  /** Number of entries. */
  get size(): number {
    return this.#size;
  }

  get(key: number): number | undefined {
    const slot = this.#slot(key);
    return this.#keys[slot] === key ? this.#values[slot] : undefined;
  }

  has(key: number): boolean {
    return this.#keys[this.#slot(key)] === key;
  }

  set(key: number, value: number): void {
    if ((this.#size + 1) * 2 > this.#keys.length) this.#grow();
    const slot = this.#slot(key);
    if (this.#keys[slot] !== key) this.#size++;
    this.#keys[slot] = key;
    this.#values[slot] = value;
  }

  /** The slot that has the key, or the free one where it belongs. */
  #slot(key: number): number {
    const mask = this.#keys.length - 1;
    // Fibonacci hashing: the high bits of the product spread neighbouring numbers over the table.
    let slot = Math.imul(key, 0x9e3779b1) >>> Math.clz32(mask);
    while (this.#keys[slot] !== key && this.#keys[slot] !== FREE) slot = (slot + 1) & mask;
    return slot;
  }

  #grow(): void {
    const keys = this.#keys;
    const values = this.#values;
    this.#keys = new Uint32Array(keys.length * 2).fill(FREE);
    this.#values = new Uint32Array(keys.length * 2);
    for (const [i, key] of keys.entries()) {
      if (key === FREE) continue;
      const slot = this.#slot(key);
      this.#keys[slot] = key;
      this.#values[slot] = values[i] ?? noElement(i, values);
    }
  }
}
