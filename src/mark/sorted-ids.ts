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
  const order = Uint32Array.from(all, (_, i) => i).sort((a, b) => (all[a] ?? noElement(a, all)) - (all[b] ?? noElement(b, all)));
  return { layers: order.map((i) => elementAt(all, i)), layerTimes: order.map((i) => elementAt(allTimes, i)) };
}
