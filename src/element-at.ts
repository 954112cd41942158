/** The element at an index. Throws a `RangeError` where there is none: 0 in its place would be the number of a blob. */
export function elementAt<T>(array: ArrayLike<T>, index: number): T {
  const element = array[index];
  return element === undefined ? noElement(index, array) : element;
}

/** Throws what `elementAt` throws: for hot loops, which look at an array of one kind for themselves. */
export function noElement(index: number, { length }: ArrayLike<unknown>): never {
  throw new RangeError(`there is no element ${index}, of ${length}`);
}
