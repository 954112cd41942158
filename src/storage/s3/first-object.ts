import type { BucketReader } from "./bucket-reader.js";
import { KeyRange } from "./key-range.js";
import type { ListedObject } from "./page.js";

/** The first object whose key has the prefix, if there is one. A page without a key may not be the last: a bucket full of delete markers has some. */
export async function firstObject(bucket: BucketReader, prefix: string): Promise<ListedObject | undefined> {
  const page = await bucket.list({ prefix, maxKeys: 1 });
  const object = page.objects.at(0);
  if (object !== undefined || !page.isTruncated) return object;
  const range = new KeyRange(prefix, "", undefined);
  for (let isLast = false; !isLast;) {
    const next = await range.next(bucket);
    const found = next.objects.at(0);
    if (found !== undefined) return found;
    ({ isLast } = next);
  }
  return undefined;
}

/** The object of exactly this key, if there is one: of all keys that begin with it, it comes first. */
export async function objectAt(bucket: BucketReader, key: string): Promise<ListedObject | undefined> {
  const object = await firstObject(bucket, key);
  return object?.key === key ? object : undefined;
}
