import type { StoredObject } from "../changes.js";
import type { BucketReader } from "./bucket-reader.js";
import { KeyRange } from "./key-range.js";

/** All objects below a directory, by their paths below `root`. Throws what the server says. */
export async function* listObjects(bucket: BucketReader, root: string, directory: string): AsyncGenerator<StoredObject> {
  const range = new KeyRange(`${root}${directory}/`, "", undefined);
  for (let isLast = false; !isLast;) {
    const page = await range.next(bucket);
    for (const { key, size, modified } of page.objects) yield { path: key.slice(root.length), bytes: size, modified };
    isLast = page.isLast;
  }
}
