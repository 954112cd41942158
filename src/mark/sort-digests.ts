import { elementAt, noElement } from "../element-at.js";
import { sortedOrder } from "./sorted-ids.js";

/** Digests of one algorithm, each with its size (bytes) and time (seconds since 1970). */
export interface Chunk {
  readonly digests: Uint32Array;
  readonly sizes: Float64Array;
  readonly modified: Uint32Array;
}

/** Joins chunks of digests with the same first byte, in the order of digests; of one that comes more than once the first is kept. */
export function sortChunks(chunks: readonly Chunk[], width: number): Chunk {
  const count = chunks.reduce((sum, chunk) => sum + chunk.sizes.length, 0);
  const [only] = chunks;
  const joined = chunks.length === 1 && only !== undefined ? only : join(chunks, count, width);
  if (isStrictlySorted(joined.digests, width)) return joined;
  const { digests } = joined;
  const order = orderOf(digests, width);
  const distinct = order.filter(
    (entry, i) => i === 0 || compareDigests(digests, entry * width, digests, (order[i - 1] ?? 0) * width, width) !== 0,
  );
  const sorted: Chunk = {
    digests: new Uint32Array(distinct.length * width),
    sizes: new Float64Array(distinct.length),
    modified: new Uint32Array(distinct.length),
  };
  for (let i = 0; i < distinct.length; i++) {
    const from = distinct[i] ?? 0;
    for (let word = 0; word < width; word++) sorted.digests[i * width + word] = digests[from * width + word] ?? 0;
    sorted.sizes[i] = joined.sizes[from] ?? 0;
    sorted.modified[i] = joined.modified[from] ?? 0;
  }
  return sorted;
}

/** Positions of digests in their order: by the first words, which tell nearly all apart, and then where these are the same. */
function orderOf(digests: Uint32Array, width: number): Uint32Array {
  const keys = new Uint32Array(digests.length / width);
  for (let i = 0; i < keys.length; i++) keys[i] = digests[i * width] ?? noElement(i * width, digests);
  const order = sortedOrder(keys);
  const wordOf = (i: number): number => elementAt(keys, elementAt(order, i));
  for (let start = 0; start < order.length;) {
    let end = start + 1;
    while (end < order.length && wordOf(end) === wordOf(start)) end++;
    if (end - start > 1) order.subarray(start, end).sort((a, b) => compareDigests(digests, a * width, digests, b * width, width));
    start = end;
  }
  return order;
}

function join(chunks: readonly Chunk[], count: number, width: number): Chunk {
  const joined: Chunk = {
    digests: new Uint32Array(count * width),
    sizes: new Float64Array(count),
    modified: new Uint32Array(count),
  };
  let at = 0;
  for (const chunk of chunks) {
    joined.digests.set(chunk.digests, at * width);
    joined.sizes.set(chunk.sizes, at);
    joined.modified.set(chunk.modified, at);
    at += chunk.sizes.length;
  }
  return joined;
}

function isStrictlySorted(digests: Uint32Array, width: number): boolean {
  for (let at = width; at < digests.length; at += width) {
    if (compareDigests(digests, at - width, digests, at, width) >= 0) return false;
  }
  return true;
}

/** Their order as hex, below, at or above 0. */
export function compareDigests(a: Uint32Array, atA: number, b: Uint32Array, atB: number, width: number): number {
  for (let i = 0; i < width; i++) {
    const one = a[atA + i] ?? 0;
    const other = b[atB + i] ?? 0;
    if (one !== other) return one < other ? -1 : 1;
  }
  return 0;
}
