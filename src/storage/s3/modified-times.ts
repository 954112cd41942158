import { V2 } from "../../registry/layout.js";
import type { StorageFault } from "../listing.js";
import type { BucketReader } from "./bucket-reader.js";
import { causeOf } from "./errors.js";
import { isBefore, KeyRange } from "./key-range.js";

/** Objects that are asked for one by one, in all: beyond that, where they lie is listed again. */
const MOST_HEADS = 200;
/** Objects of a listing that goes from one to the next: so many of these are under way as there may be requests. */
const KEYS_PER_LISTING = 5000;

type Time = number | StorageFault;

/**
 * When objects were last changed. A few cost a HEAD each; of many, a page of a listing tells of up to a thousand, and never costs more
 * requests than there are objects: the next page begins at the next object that is asked for.
 */
export class ModifiedTimes {
  #heads = 0;

  constructor(
    private readonly bucket: BucketReader,
    /** What comes before the paths in a key. */
    private readonly root: string,
  ) {}

  /** In the order asked for, in seconds since 1970; a fault for what cannot be told. */
  async of(paths: readonly string[]): Promise<readonly Time[]> {
    if (this.#heads + paths.length <= MOST_HEADS) {
      this.#heads += paths.length;
      return this.bucket.limit.map(paths, (path) => this.#head(path));
    }
    const sorted = [...new Set(paths)].sort((a, b) => (isBefore(a, b) ? -1 : 1));
    const slices = Array.from({ length: Math.ceil(sorted.length / KEYS_PER_LISTING) }, (_, i) =>
      sorted.slice(i * KEYS_PER_LISTING, (i + 1) * KEYS_PER_LISTING),
    );
    const times = new Map<string, Time>();
    await this.bucket.limit.map(slices, (slice) => this.#list(slice, times));
    return paths.map((path) => times.get(path) ?? gone(path));
  }

  async #head(path: string): Promise<Time> {
    try {
      return (await this.bucket.modified(this.root + path)) ?? gone(path);
    } catch (error) {
      return { path, cause: causeOf(error) };
    }
  }

  /** Adds the times of paths in S3's order, as far as there are such objects. */
  async #list(paths: readonly string[], times: Map<string, Time>): Promise<void> {
    const keys = new Map(paths.map((path) => [this.root + path, path]));
    const through = this.root + (paths.at(-1) ?? "");
    let next = 0;
    try {
      while (next < paths.length) {
        const path = paths[next] ?? "";
        // Whatever is ordered before the key, and nothing that is asked for between the two.
        const range = new KeyRange(`${this.root}${V2}/`, (this.root + path).slice(0, -1), through);
        const { objects, isLast } = await firstPage(range, this.bucket);
        for (const { key, modified } of objects) {
          const found = keys.get(key);
          if (found !== undefined) times.set(found, modified);
        }
        const last = objects.at(-1)?.key;
        if (isLast || last === undefined) return;
        while (next < paths.length && !isBefore(last, this.root + (paths[next] ?? ""))) next++;
      }
    } catch (error) {
      for (const path of paths.slice(next)) times.set(path, { path, cause: causeOf(error) });
    }
  }
}

/** The first page that has a key: a bucket full of delete markers has others. */
async function firstPage(range: KeyRange, bucket: BucketReader) {
  let page = await range.next(bucket);
  while (page.objects.length === 0 && !page.isLast) page = await range.next(bucket);
  return page;
}

function gone(path: string): StorageFault {
  return { path, cause: "gone since it was listed", gone: true };
}
