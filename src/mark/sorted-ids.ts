import { elementAt, noElement } from "../element-at.js";

/** The position of `id` in a sorted array, or -1. */
export function search(sorted: Uint32Array, id: number): number {
  let low = 0;
  let high = sorted.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const value = sorted[middle] ?? noElement(middle, sorted);
    if (value === id) return middle;
    if (value < id) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}

/** Positions of `keys` in ascending order, equal ones as they come: sorted byte by byte, several times as fast as by comparing. */
export function sortedOrder(keys: Uint32Array): Uint32Array {
  let order = new Uint32Array(keys.length);
  let next = new Uint32Array(keys.length);
  for (let i = 0; i < keys.length; i++) order[i] = i;
  for (let shift = 0; shift < 32; shift += 8) {
    const places = placesByByte(keys, shift);
    if (places === undefined) continue;
    for (let i = 0; i < order.length; i++) {
      const position = order[i] ?? noElement(i, order);
      const byte = byteOf(keys, position, shift);
      const place = places[byte] ?? noElement(byte, places);
      places[byte] = place + 1;
      next[place] = position;
    }
    [order, next] = [next, order];
  }
  return order;
}

/** Where the first key with each value of the byte goes; undefined where all keys have the same one. */
function placesByByte(keys: Uint32Array, shift: number): Uint32Array | undefined {
  const places = new Uint32Array(BYTES + 1);
  for (let i = 0; i < keys.length; i++) {
    const next = byteOf(keys, i, shift) + 1;
    places[next] = (places[next] ?? noElement(next, places)) + 1;
  }
  if (keys.length === 0 || places[byteOf(keys, 0, shift) + 1] === keys.length) return undefined;
  for (let byte = 1; byte < BYTES; byte++) places[byte] = elementAt(places, byte) + elementAt(places, byte - 1);
  return places;
}

const BYTES = 256;

function byteOf(keys: Uint32Array, i: number, shift: number): number {
  return ((keys[i] ?? noElement(i, keys)) >>> shift) & 0xff;
}

/** Times by the ids beside which they stand. */
export function timesById(ids: Uint32Array, modified: Uint32Array | undefined): ReadonlyMap<number, number> | undefined {
  if (modified === undefined) return undefined;
  const times = new Map<number, number>();
  for (let i = 0; i < ids.length; i++) times.set(elementAt(ids, i), elementAt(modified, i));
  return times;
}

/** Sorts the layers, `odd` ones among them; the times are dropped unless all are known. */
export function sortLayers(
  ids: Uint32Array,
  times: Uint32Array | undefined,
  odd: readonly { readonly id: number; readonly modified: number | undefined }[],
) {
  const all = new Uint32Array(ids.length + odd.length);
  all.set(ids);
  for (const [i, { id }] of odd.entries()) all[ids.length + i] = id;
  const known = (times !== undefined || ids.length === 0) && odd.every(({ modified }) => modified !== undefined);
  if (!known) return { layers: all.sort(), layerTimes: undefined };
  const allTimes = new Uint32Array(all.length);
  if (times !== undefined) allTimes.set(times);
  for (const [i, { modified }] of odd.entries()) if (modified !== undefined) allTimes[ids.length + i] = modified;
  const order = sortedOrder(all);
  return { layers: order.map((i) => elementAt(all, i)), layerTimes: order.map((i) => elementAt(allTimes, i)) };
}
