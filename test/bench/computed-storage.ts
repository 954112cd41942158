import { RepositoryListingBuilder } from "#regcheck/storage/listing-builder.js";
import type { BlobBatch, RepositoryListing } from "#regcheck/storage/listing.js";
import type { ManifestBatch } from "#regcheck/storage/manifest-damage.js";
import type { Storage, StorageMarkers } from "#regcheck/storage/storage.js";
import type { VerifiedBlobs } from "#regcheck/storage/verification.js";

const BATCH = 65_536;
const IMAGES_PER_REPOSITORY = 1000;

/** A registry in which the blob with number `n` has a digest that says so in its last word. The first numbers are the manifests'. */
export class ComputedStorage implements Storage {
  readonly driver = "filesystem";
  readonly location = "computed";
  readonly remembersManifests = false;
  readonly requests = { list: 0, get: 0, head: 0, put: 0, delete: 0 };
  readonly #references: number;

  constructor(
    private readonly blobCount: number,
    private readonly manifestCount: number,
    /** Whether blobs are listed by their first byte, as directories and buckets are, or in no order, as in an inventory. */
    private readonly isSorted = true,
  ) {
    this.#references = Math.floor((blobCount - manifestCount) / manifestCount);
  }

  async markers(): Promise<StorageMarkers> {
    return { hasBlobs: true, hasRepositories: true, proxyState: false, database: false };
  }

  async *blobs(): AsyncGenerator<BlobBatch> {
    const step = this.isSorted ? 256 : 1;
    for (let start = 0; start < step; start++) {
      for (let first = start; first < this.blobCount; first += BATCH * step) {
        const count = Math.min(BATCH, Math.ceil((this.blobCount - first) / step));
        const digests = new Uint32Array(count * 8);
        for (let i = 0; i < count; i++) writeDigest(first + i * step, digests, i * 8);
        const sizes = new Float64Array(count).fill(1000);
        yield { algorithm: "sha256", digests, sizes, modified: new Uint32Array(count), strays: [], faults: [] };
      }
    }
  }

  async *repositories(): AsyncGenerator<RepositoryListing> {
    for (let first = 0; first < this.manifestCount; first += IMAGES_PER_REPOSITORY) {
      const images = Math.min(IMAGES_PER_REPOSITORY, this.manifestCount - first);
      const builder = new RepositoryListingBuilder(`team/app-${first / IMAGES_PER_REPOSITORY}`);
      builder.markRepository();
      const revisions = digestsOf(first, images);
      const names = Array.from({ length: images }, (_, i) => `v${i}`);
      const listing = builder.build();
      yield {
        ...listing,
        revisions: { digests: revisions, modified: new Uint32Array(images) },
        layers: {
          digests: digestsOf(this.#firstReference(first), images * this.#references),
          modified: new Uint32Array(images * this.#references),
        },
        tags: { ...listing.tags, names, current: revisions, modified: new Uint32Array(images) },
      };
    }
  }

  async repository(name: string): Promise<RepositoryListing> {
    return new RepositoryListingBuilder(name).build();
  }

  async filesOfTags(): Promise<readonly string[][]> {
    return [];
  }

  async readManifests(_: string, digests: Uint32Array): Promise<ManifestBatch> {
    const count = digests.length / 8;
    const width = 1 + this.#references * 11;
    const words = new Uint32Array(count * width);
    const offsets = Uint32Array.from({ length: count }, (__, i) => i * width);
    for (let i = 0; i < count; i++) {
      let at = i * width;
      words[at++] = this.#references;
      const first = this.#firstReference(digests[i * 8 + 7] ?? 0);
      for (let reference = 0; reference < this.#references; reference++) {
        words[at] = reference === 0 ? 0 : 1;
        words[at + 2] = 1000;
        writeDigest(first + reference, words, at + 3);
        at += 11;
      }
    }
    return { offsets, words, problems: [] };
  }

  async *verifyBlobs(): AsyncGenerator<VerifiedBlobs> {}

  async multipartUploads() {
    return { uploads: [], faults: [] };
  }

  async expirations(): Promise<readonly never[]> {
    return [];
  }

  async modified(): Promise<readonly number[]> {
    return [];
  }

  async *list(): AsyncGenerator<never> {}

  async close(): Promise<void> {}

  #firstReference(manifest: number): number {
    return this.manifestCount + manifest * this.#references;
  }
}

function digestsOf(first: number, count: number): Uint32Array {
  const digests = new Uint32Array(count * 8);
  for (let i = 0; i < count; i++) writeDigest(first + i, digests, i * 8);
  return digests;
}

/** The first byte is the number's lowest, so that blobs can be listed by prefix; the rest is mixed from the number, and the number. */
function writeDigest(number: number, target: Uint32Array, at: number): void {
  const mixed = mix(number);
  target[at] = ((number & 0xff) << 24) | (mixed >>> 8);
  for (let word = 1; word < 7; word++) target[at + word] = mixed ^ word;
  target[at + 7] = number;
}

/** A permutation of 32-bit numbers that leaves no pattern (the finalizer of MurmurHash3). */
function mix(number: number): number {
  let hash = number;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
