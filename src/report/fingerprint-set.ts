/** 64 bits in two halves; zero is no fingerprint. */
export interface Fingerprint {
  readonly low: number;
  readonly high: number;
}

/**
 * A set of fingerprints, each with a small number: 9 bytes an entry and as much again for room, where a `Set` of strings takes over
 * 100 and ends at 16.7 million. Open addressing with linear probing; entries are never removed, but can be ticked off.
 */
export class FingerprintSet {
  /** Both halves of each slot; both are 0 in a free one. */
  #words = new Uint32Array(2 * 1024);
  #values = new Uint8Array(1024);
  #size = 0;

  /** Number of entries. */
  get size(): number {
    return this.#size;
  }

  /** Adds a fingerprint with a number from 0 to 127; the first number stays. */
  add(fingerprint: Fingerprint, value: number): void {
    if ((this.#size + 1) * 2 > this.#values.length) this.#grow();
    const slot = this.#slot(fingerprint);
    if (!this.#isFree(slot)) return;
    this.#words[slot * 2] = fingerprint.low;
    this.#words[slot * 2 + 1] = fingerprint.high;
    this.#values[slot] = value;
    this.#size++;
  }

  has(fingerprint: Fingerprint): boolean {
    return !this.#isFree(this.#slot(fingerprint));
  }

  /** Ticks an entry off, if there is one. Returns whether there is. */
  tick(fingerprint: Fingerprint): boolean {
    const slot = this.#slot(fingerprint);
    if (this.#isFree(slot)) return false;
    this.#values[slot] = (this.#values[slot] ?? 0) | TICKED;
    return true;
  }

  /** Whether there is such an entry that is ticked off. */
  isTicked(fingerprint: Fingerprint): boolean {
    return ((this.#values[this.#slot(fingerprint)] ?? 0) & TICKED) !== 0;
  }

  /** Calls `visit` with the number of each entry that is not ticked off. */
  forEachUnticked(visit: (value: number) => void): void {
    for (const [slot, value] of this.#values.entries()) if (value < TICKED && !this.#isFree(slot)) visit(value);
  }

  #isFree(slot: number): boolean {
    return this.#words[slot * 2] === 0 && this.#words[slot * 2 + 1] === 0;
  }

  /** Where the fingerprint is, or would be. The number of slots is a power of two. */
  #slot({ low, high }: Fingerprint): number {
    const last = this.#values.length - 1;
    let slot = low & last;
    while (!this.#isFree(slot) && (this.#words[slot * 2] !== low || this.#words[slot * 2 + 1] !== high)) slot = (slot + 1) & last;
    return slot;
  }

  #grow(): void {
    const [words, values] = [this.#words, this.#values];
    this.#words = new Uint32Array(words.length * 2);
    this.#values = new Uint8Array(values.length * 2);
    for (let old = 0; old < values.length; old++) {
      const low = words[old * 2] ?? 0;
      const high = words[old * 2 + 1] ?? 0;
      if (low === 0 && high === 0) continue;
      const slot = this.#slot({ low, high });
      this.#words[slot * 2] = low;
      this.#words[slot * 2 + 1] = high;
      this.#values[slot] = values[old] ?? 0;
    }
  }
}

const TICKED = 0x80;
