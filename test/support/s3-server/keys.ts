/**
 * S3 orders keys by the bytes of their UTF-8 form; JavaScript compares UTF-16 units, which differs above U+FFFF.
 * So the server keeps each key as a *byte string*: one character for each byte (latin1). `<` is then S3's order,
 * and prefixes and delimiters match byte for byte. An ASCII key is its own byte string.
 */
export type ByteString = string;

// eslint-disable-next-line no-control-regex -- ASCII is meant
const ASCII = /^[\x00-\x7f]*$/;

/** The byte string of a key. */
export function toBytes(key: string): ByteString {
  return ASCII.test(key) ? key : Buffer.from(key, "utf8").toString("latin1");
}

/** The key of a byte string. */
export function fromBytes(bytes: ByteString): string {
  return ASCII.test(bytes) ? bytes : Buffer.from(bytes, "latin1").toString("utf8");
}

/** Sorts behind every key that starts with `prefix`, and before all others that are greater than it. */
export function endOf(prefix: ByteString): ByteString {
  return `${prefix}\xf4\x8f\xbf\xbf`;
}

/** The first index of a sorted array whose element is greater than `bound` (or not less, with `inclusive`). */
export function lowerBound(sorted: readonly ByteString[], bound: ByteString, inclusive: boolean): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const key = sorted[middle] ?? "";
    if (key < bound || (!inclusive && key === bound)) low = middle + 1;
    else high = middle;
  }
  return low;
}
