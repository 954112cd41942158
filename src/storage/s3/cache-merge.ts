import { keyOf } from "./cache-format.js";
import type { CacheRecords } from "./cache-format.js";
import type { CacheSegment } from "./cache-segment.js";

/** Walks over the entries of a segment, one block in memory at a time. */
class Cursor {
  /** The entry where the cursor is; undefined behind the last one. */
  record: Buffer | undefined;
  /** Of its digest. */
  key = 0;
  #block = 0;
  #records: CacheRecords | undefined;
  #at = 0;

  constructor(
    private readonly segment: CacheSegment,
    /** Of cursors that are at the same digest the lowest comes first. */
    readonly rank: number,
    private readonly onDamage: (segment: CacheSegment) => void,
  ) {
    this.next();
  }

  next(): void {
    this.record = this.#read();
    if (this.record !== undefined) this.key = keyOf(this.record);
  }

  #read(): Buffer | undefined {
    while (this.#records === undefined || this.#at >= this.#records.length) {
      if (this.#block >= this.segment.blocks) return undefined;
      this.#records = this.segment.block(this.#block++);
      this.#at = 0;
      if (this.#records === undefined) this.onDamage(this.segment);
    }
    const record = this.#records.recordAt(this.#at);
    this.#at += record.length;
    return record;
  }
}

/**
 * The entries of all segments in the order of their digests, each once: of several the one of the first segment. A block of each segment
 * is in memory, and nothing else. A block that is not what was written is passed over, and `onDamage` is called.
 */
export function* mergeSegments(
  segments: readonly CacheSegment[],
  onDamage: (segment: CacheSegment) => void = () => {},
): Generator<Buffer> {
  const heap = segments.map((segment, i) => new Cursor(segment, i, onDamage)).filter(({ record }) => record !== undefined);
  for (let i = heap.length >>> 1; i-- > 0;) sink(heap, i);
  let last: Buffer | undefined;
  for (let top = heap[0]; top?.record !== undefined; top = heap[0]) {
    const { record } = top;
    if (last === undefined || record.compare(last, 0, 32, 0, 32) !== 0) yield record;
    last = record;
    top.next();
    if (top.record === undefined) {
      const end = heap.pop();
      if (end !== undefined && end !== top) heap[0] = end;
    }
    sink(heap, 0);
  }
}

/** Moves a cursor to where both below it are behind it. */
function sink(heap: Cursor[], from: number): void {
  const moved = heap[from];
  if (moved === undefined) return;
  let at = from;
  for (let below = 2 * at + 1; below < heap.length; below = 2 * at + 1) {
    const left = heap[below];
    const right = heap[below + 1];
    const isRight = left !== undefined && right !== undefined && isBefore(right, left);
    const first = isRight ? right : left;
    if (first === undefined || !isBefore(first, moved)) break;
    heap[at] = first;
    at = isRight ? below + 1 : below;
  }
  heap[at] = moved;
}

function isBefore(one: Cursor, other: Cursor): boolean {
  if (one.key !== other.key) return one.key < other.key;
  if (one.record === undefined || other.record === undefined) return other.record === undefined;
  const order = one.record.compare(other.record, 0, 32, 0, 32);
  return order === 0 ? one.rank < other.rank : order < 0;
}
