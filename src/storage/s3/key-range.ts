import type { BucketReader } from "./bucket-reader.js";
import { BrokenListing, tokenBehind } from "./page.js";
import type { ListedObjects } from "./page.js";
import { ScannedObjects } from "./scanned-objects.js";

/** Pages without a key, one after the other, that a listing may have: a bucket full of delete markers has some. */
const MOST_EMPTY_PAGES = 10_000;

/**
 * A part of a bucket's keys that is listed page by page: those behind `after`, through `through`. The end may move nearer while the
 * listing is under way, because another range takes over what lies behind it.
 */
export class KeyRange {
  /** The last key seen, or where the range begins: everything up to here is known. */
  position: string;
  /** Pages seen so far. */
  pages = 0;
  /** First and last key of the last page that had any. */
  firstOfPage: string | undefined;
  /** Keys for the whole space of digests, by what the last page showed; see `digest-section.ts`. */
  density: { readonly section: string; readonly keys: number } | undefined;
  #token: string | undefined;
  #emptyPages = 0;

  constructor(
    readonly prefix: string,
    /** Where it begins. */
    readonly after: string,
    /** Inclusive; undefined for all that has the prefix. A key that is ordered alike: see `isOrderedAlike`. */
    public through: string | undefined,
  ) {
    this.position = after;
  }

  /** Lists the next page. `isLast` says that the range is through. Throws when the storage fails, or its listing contradicts itself. */
  async next(bucket: Pick<BucketReader, "list">): Promise<{ readonly objects: ListedObjects; readonly isLast: boolean }> {
    const page = await bucket.list({
      prefix: this.prefix,
      startAfter: this.after === "" ? undefined : this.after,
      token: this.#token,
    });
    this.#checkOrder(page.objects);
    const next = page.isTruncated ? tokenBehind(page, this.#token) : undefined;
    this.#emptyPages = page.objects.length === 0 ? this.#emptyPages + 1 : 0;
    if (page.isTruncated && this.#emptyPages > MOST_EMPTY_PAGES) throw new BrokenListing("the listing goes on without any key");
    this.#token = next;
    const last = page.objects.at(-1)?.key;
    if (last !== undefined) {
      this.firstOfPage = page.objects.at(0)?.key;
      this.position = last;
    }
    this.pages++;
    const { through } = this;
    if (through === undefined || last === undefined || last <= through)
      return { objects: page.objects, isLast: !page.isTruncated };
    return { objects: endAt(page.objects, through), isLast: true };
  }

  /**
   * Keys must come in the order of their bytes, each once, as S3 promises: ranges rely on it. A token that leads back is found here too.
   */
  #checkOrder(objects: ListedObjects): void {
    if (objects instanceof ScannedObjects && objects.isOrdered(this.prefix, this.position)) return;
    let before = this.position;
    for (const { key } of objects) {
      if (!key.startsWith(this.prefix))
        throw new BrokenListing(`the listing of ${this.prefix} has the key ${JSON.stringify(key)}`);
      if (key <= before && !isBefore(before, key))
        throw new BrokenListing(
          `the listing goes back from ${JSON.stringify(before)} to ${JSON.stringify(key)}: it repeats itself or is not in order`,
        );
      before = key;
    }
  }
}

/** Those through a key that is ordered alike. */
function endAt(objects: ListedObjects, through: string): ListedObjects {
  if (!(objects instanceof ScannedObjects)) return Array.from(objects).filter(({ key }) => key <= through);
  objects.endAt(through);
  return objects;
}

/**
 * Whether JavaScript orders the key among all others as S3 does, by the bytes of UTF-8: true unless it has characters above U+D7FF,
 * of which those above U+FFFF are surrogates to JavaScript, and come too early.
 */
export function isOrderedAlike(key: string): boolean {
  return !/[\ud800-\uffff]/.test(key);
}

/** Whether a key comes before another in S3's order. */
export function isBefore(key: string, other: string): boolean {
  return Buffer.compare(Buffer.from(key), Buffer.from(other)) < 0;
}
