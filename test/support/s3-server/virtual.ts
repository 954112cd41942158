/** What a simulated bucket lists of one object. */
export interface VirtualObject {
  readonly key: string;
  readonly size: number;
  readonly etag: string;
  readonly modified: Date;
  readonly storageClass?: string | undefined;
}

/** One page: objects, or `<Contents>` elements that were rendered before (see `contentsXml`), which cost nothing. */
export type VirtualPage =
  | { readonly objects: readonly VirtualObject[]; readonly isTruncated: boolean }
  | { readonly xml: string; readonly keyCount: number; readonly lastKey: string; readonly isTruncated: boolean };

/** At most `maxKeys` objects that start with `prefix` and sort behind `startAfter`, in S3's order. */
export type VirtualListing = (prefix: string, startAfter: string, maxKeys: number) => VirtualPage;

/** The content of an object of a simulated bucket. */
export type VirtualRead = (key: string) => Buffer | undefined;

const HEX_OF_INDEX = 13;
const INDEX_SPACE = 2 ** 52;

/**
 * The listing of a registry that holds `count` blobs with evenly spread digests, computed, not held:
 * 100 million blobs take no memory and a page costs under a millisecond.
 */
export function uniformBlobs(options: {
  readonly count: number;
  /** What stands before `blobs/`. */
  readonly root?: string;
  readonly size?: number;
  readonly modified?: Date;
}): VirtualListing {
  const { count, root = "docker/registry/v2/", size = 1000, modified = new Date("2026-01-01T00:00:00Z") } = options;
  const filler = "5eaf00d".repeat(8).slice(0, 64 - HEX_OF_INDEX);
  const keyAt = (index: number): string => {
    const number = Math.floor(index * (INDEX_SPACE / count));
    // In two parts, as small integers are formatted much faster.
    const high = Math.floor(number / 2 ** 28) + 2 ** 24;
    const low = (number % 2 ** 28) + 2 ** 28;
    const start = high.toString(16).slice(1) + low.toString(16).slice(1);
    return `${root}blobs/sha256/${start.slice(0, 2)}/${start}${filler}/data`;
  };
  const firstIndex = (bound: string, inclusive: boolean): number => {
    let low = 0;
    let high = count;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const key = keyAt(middle);
      if (key < bound || (!inclusive && key === bound)) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  const after = `<LastModified>${modified.toISOString()}</LastModified><ETag>&quot;${"0".repeat(32)}&quot;</ETag>`;
  const rest = `</Key>${after}<Size>${size}</Size><StorageClass>STANDARD</StorageClass></Contents>`;
  return (prefix, startAfter, maxKeys) => {
    const first = Math.max(firstIndex(startAfter, false), firstIndex(prefix, true));
    const parts: string[] = [];
    let lastKey = "";
    let index = first;
    for (; index < count && parts.length < maxKeys; index += 1) {
      const key = keyAt(index);
      if (!key.startsWith(prefix)) break;
      parts.push(`<Contents><Key>${key}${rest}`);
      lastKey = key;
    }
    const isTruncated = index < count && keyAt(index).startsWith(prefix);
    return { xml: parts.join(""), keyCount: parts.length, lastKey, isTruncated };
  };
}
