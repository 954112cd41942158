/** The element at an index. Throws a `RangeError` where there is none: 0 in its place would be the number of a blob. */
export function elementAt<T>(array: ArrayLike<T>, index: number): T {
  const element = array[index];
  if (element === undefined) throw new RangeError(`there is no element ${index}, of ${array.length}`);
  return element;
}
