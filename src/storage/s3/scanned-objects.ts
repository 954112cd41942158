import { elementAt } from "../../element-at.js";
import type { ListedObject, ListedObjects } from "./page.js";

/** Objects of a page at most: S3 gives no more at a time. */
export const MOST_SCANNED = 1000;

/**
 * The objects of a page where they lie in its bytes: most keys of a registry are read as digests, and never made into strings. Keys are
 * printable ASCII. Nobody may write to its arrays but who scans the page.
 */
export class ScannedObjects implements ListedObjects {
  /** Where keys and ETags begin in `bytes`, and where they end. */
  readonly keyStarts = new Uint32Array(MOST_SCANNED);
  readonly keyEnds = new Uint32Array(MOST_SCANNED);
  readonly etagStarts = new Uint32Array(MOST_SCANNED);
  readonly etagEnds = new Uint32Array(MOST_SCANNED);
  /** Bytes of each object. */
  readonly sizes = new Float64Array(MOST_SCANNED);
  /** Seconds since 1970. */
  readonly modified = new Uint32Array(MOST_SCANNED);
  /** Whether each key sorts behind the one before it. */
  isAscending = true;
  length = 0;

  constructor(readonly bytes: Buffer) {}

  at(position: number): ListedObject | undefined {
    const i = position < 0 ? this.length + position : position;
    return i < 0 || i >= this.length ? undefined : this.object(i);
  }

  *[Symbol.iterator](): Generator<ListedObject> {
    for (let i = 0; i < this.length; i++) yield this.object(i);
  }

  /** Makes the object at a position. */
  object(i: number): ListedObject {
    const etag = this.bytes.toString("latin1", this.etagStarts[i], this.etagEnds[i]);
    return { key: this.key(i), size: elementAt(this.sizes, i), etag, modified: elementAt(this.modified, i) };
  }

  key(position: number): string {
    return this.bytes.toString("latin1", this.keyStarts[position], this.keyEnds[position]);
  }

  /** Whether the keys begin with the prefix, and come in order behind `before`. */
  isOrdered(prefix: string, before: string): boolean {
    if (this.length === 0) return true;
    // What lies between two keys of a prefix has it as well.
    const areOwn = this.key(0).startsWith(prefix) && this.key(this.length - 1).startsWith(prefix);
    return this.isAscending && areOwn && Buffer.compare(Buffer.from(before), this.#keyBytes(0)) < 0;
  }

  /** Leaves out what sorts behind `through`; the keys are in order. */
  endAt(through: string): void {
    const end = Buffer.from(through);
    while (this.length > 0 && Buffer.compare(this.#keyBytes(this.length - 1), end) > 0) this.length--;
  }

  #keyBytes(position: number): Buffer {
    return this.bytes.subarray(this.keyStarts[position], this.keyEnds[position]);
  }
}
