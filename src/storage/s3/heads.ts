import type { BucketReader } from "./bucket-reader.js";
import { isBefore } from "./key-range.js";
import type { ObjectHead } from "./object-head.js";
import type { ListedObject } from "./page.js";

/** A page of a listing that tells of fewer of the wanted keys than this is not worth another one: heads are asked for, many at a time. */
const WORTH_A_PAGE = 8;

/** What is asked: pages of a listing, or single heads. */
export interface HeadSource {
  readonly bucket: Pick<BucketReader, "list" | "limit">;
  readonly head: (key: string) => Promise<ObjectHead | undefined>;
  /** All keys begin with it. */
  readonly prefix: string;
}

/**
 * The heads of objects; undefined in the result for a key without one. A page of a listing says as much as a thousand requests for heads where
 * the keys lie close together, as those of a sweep's batch do; what it does not tell of is asked for by itself.
 */
export async function headsOf(
  keys: readonly string[],
  { bucket, head, prefix }: HeadSource,
): Promise<ReadonlyMap<string, ObjectHead | undefined>> {
  const heads = new Map<string, ObjectHead | undefined>();
  let left = [...new Set(keys)].sort((a, b) => (isBefore(a, b) ? -1 : 1));
  while (left.length >= WORTH_A_PAGE) {
    const [first = ""] = left;
    // A listing begins behind a key: without its last character it is before the first that is wanted.
    const page = await bucket.list({ prefix, startAfter: first.slice(0, first.search(/.$/su)) }).catch(() => undefined);
    // What cannot be listed, or not in order, tells nothing of what is not in it.
    const objects = [...(page?.objects ?? [])];
    if (page === undefined || !isInOrder(objects)) break;
    const { isTruncated } = page;
    const listed = new Map(objects.map((object) => [object.key, object]));
    const last = isTruncated ? objects.at(-1)?.key : undefined;
    const isTold = (key: string): boolean => !isTruncated || (last !== undefined && !isBefore(last, key));
    const told = left.filter(isTold);
    for (const key of told) {
      const object = listed.get(key);
      heads.set(key, object && { bytes: object.size, etag: object.etag, modified: object.modified });
    }
    left = left.slice(told.length);
    if (told.length < WORTH_A_PAGE) break;
  }
  await bucket.limit.map(left, async (key) => heads.set(key, await head(key)));
  return heads;
}

function isInOrder(objects: readonly ListedObject[]): boolean {
  return objects.every(({ key }, i) => i === 0 || isBefore(objects[i - 1]?.key ?? "", key));
}
