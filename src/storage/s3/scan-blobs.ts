import { ALGORITHMS, hexToWords } from "../../registry/digest.js";
import type { DigestAlgorithm } from "../../registry/digest.js";
import { BLOBS } from "../../registry/layout.js";
import { parseBlobPath } from "../../registry/parse-path.js";
import { mistakenPath } from "../../registry/stray-path.js";
import { joinStrays } from "../listing-builder.js";
import type { BlobBatch, Stray } from "../listing.js";
import type { BucketReader } from "./bucket-reader.js";
import { sectionCuts } from "./digest-section.js";
import { listingFault } from "./errors.js";
import type { ListedObject } from "./page.js";
import { ParallelListing } from "./parallel-listing.js";

/** Lists all blobs; a page of keys is a batch, or two where it has both algorithms. `root` is what comes before the paths. */
export async function* scanBlobs(bucket: BucketReader, root: string): AsyncGenerator<BlobBatch> {
  const listing = new ParallelListing(bucket, { prefix: `${root}${BLOBS}/`, cuts: sectionCuts }, () => ({
    read: async (objects: readonly ListedObject[]) => batchesOf(objects, root.length),
  }));
  for await (const { value, failure } of listing.pages()) {
    yield* value;
    if (failure !== undefined) yield { ...EMPTY, faults: [listingFault(BLOBS, failure.after.slice(root.length), failure.error)] };
  }
}

const EMPTY: BlobBatch = {
  algorithm: "sha256",
  digests: new Uint32Array(),
  sizes: new Float64Array(),
  modified: new Uint32Array(),
  strays: [],
  faults: [],
};

function batchesOf(objects: readonly ListedObject[], rootLength: number): BlobBatch[] {
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
