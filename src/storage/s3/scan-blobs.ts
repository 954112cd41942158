import { noElement } from "../../element-at.js";
import { ALGORITHMS, DIGEST_WORDS, hexToWords, readHexWords } from "../../registry/digest.js";
import type { DigestAlgorithm } from "../../registry/digest.js";
import { BLOBS } from "../../registry/layout.js";
import { parseBlobPath } from "../../registry/parse-path.js";
import { mistakenPath } from "../../registry/stray-path.js";
import { joinStrays } from "../listing-builder.js";
import { NO_BLOBS } from "../listing.js";
import type { BlobBatch, Stray } from "../listing.js";
import type { BucketReader } from "./bucket-reader.js";
import { sectionCuts } from "./digest-section.js";
import { listingFault } from "./errors.js";
import { isAt } from "./is-at.js";
import type { ListedObject, ListedObjects } from "./page.js";
import { ParallelListing } from "./parallel-listing.js";
import { ScannedObjects } from "./scanned-objects.js";

/** Lists all blobs; a page of keys is a batch, or two where it has both algorithms. `root` is what comes before the paths. */
export async function* scanBlobs(bucket: BucketReader, root: string): AsyncGenerator<BlobBatch> {
  const listing = new ParallelListing(bucket, { prefix: `${root}${BLOBS}/`, cuts: sectionCuts }, () => ({
    read: async (objects: ListedObjects) => batchesOf(objects, root),
  }));
  for await (const { value, failure } of listing.pages()) {
    for (const batch of value) yield await withArchived(batch, bucket, root);
    if (failure !== undefined)
      yield { ...NO_BLOBS, faults: [listingFault(BLOBS, failure.after.slice(root.length), failure.error)] };
  }
}

/** The batch, with those of the blobs with an archive's class that cannot be read. */
export async function withArchived(batch: BlobBatch, { archive }: BucketReader, root: string): Promise<BlobBatch> {
  if (batch.archived === undefined) return batch;
  const archived: string[] = [];
  for (const path of batch.archived) if (await archive.holds(root + path)) archived.push(path);
  return { ...batch, archived };
}

function batchesOf(objects: ListedObjects, root: string): BlobBatch[] {
  if (!(objects instanceof ScannedObjects)) return batchesOfObjects(objects, root.length);
  const { batch, others } = scanned(objects, root);
  return batch.sizes.length === 0 ? batchesOfObjects(others, root.length) : [batch, ...batchesOfObjects(others, root.length)];
}

/** What the paths of nearly all blobs begin with, and end with. */
const SHA256 = `${BLOBS}/sha256/`;
const DATA = Buffer.from("/data");
const HEX_LENGTH = 64;
const SLASH = 0x2f;

/** The blobs by sha256 of a page, without a string for any, and what else there is. */
function scanned(objects: ScannedObjects, root: string): { readonly batch: BlobBatch; readonly others: ListedObject[] } {
  const { bytes, keyStarts, keyEnds, length } = objects;
  const directory = Buffer.from(root + SHA256);
  const digests = new Uint32Array(length * DIGEST_WORDS.sha256);
  const sizes = new Float64Array(length);
  const modified = new Uint32Array(length);
  const others: ListedObject[] = [];
  let count = 0;
  for (let i = 0; i < length; i++) {
    const start = keyStarts[i] ?? noElement(i, keyStarts);
    const hex = start + directory.length + 3;
    const isBlob =
      keyEnds[i] === hex + HEX_LENGTH + DATA.length &&
      isAt(bytes, start, directory) &&
      bytes[hex - 3] === bytes[hex] &&
      bytes[hex - 2] === bytes[hex + 1] &&
      bytes[hex - 1] === SLASH &&
      isAt(bytes, hex + HEX_LENGTH, DATA) &&
      readHexWords(bytes, hex, DIGEST_WORDS.sha256, digests, count * DIGEST_WORDS.sha256);
    if (isBlob) {
      sizes[count] = objects.sizes[i] ?? 0;
      modified[count] = objects.modified[i] ?? 0;
      count++;
    } else others.push(objects.object(i));
  }
  const batch = {
    ...NO_BLOBS,
    digests: digests.subarray(0, count * DIGEST_WORDS.sha256),
    sizes: sizes.subarray(0, count),
    modified: modified.subarray(0, count),
  };
  return { batch, others };
}

function batchesOfObjects(objects: Iterable<ListedObject>, rootLength: number): BlobBatch[] {
  const hexes: Record<DigestAlgorithm, string[]> = { sha256: [], sha512: [], sha384: [] };
  const blobs: Record<DigestAlgorithm, ListedObject[]> = { sha256: [], sha512: [], sha384: [] };
  const strays: Stray[] = [];
  const archived: string[] = [];
  for (const object of objects) {
    const path = object.key.slice(rootLength);
    const parsed = parseBlobPath(path);
    if ("kind" in parsed) strays.push({ path: parsed.path, bytes: object.size, mistaken: mistakenPath(path) });
    else {
      if (object.isArchived === true) archived.push(path);
      hexes[parsed.algorithm].push(parsed.hex);
      blobs[parsed.algorithm].push(object);
    }
  }
  const batches = ALGORITHMS.map((algorithm) => ({
    algorithm,
    digests: hexToWords(algorithm, hexes[algorithm]),
    sizes: Float64Array.from(blobs[algorithm], ({ size }) => size),
    modified: Uint32Array.from(blobs[algorithm], ({ modified }) => modified),
    strays: algorithm === "sha256" ? joinStrays(strays) : [],
    archived: algorithm === "sha256" ? archived : [],
    faults: [],
  }));
  return batches.filter((batch) => batch.sizes.length > 0 || batch.strays.length > 0 || batch.archived.length > 0);
}
