import type { DigestAlgorithm } from "../registry/digest.js";
import type { BlobBatch, ManifestBatch, MultipartListing, RepositoryListing, StorageFault } from "../storage/listing.js";
import type { RequestPrices, StorageRequests } from "../storage/requests.js";
import type { Storage, StorageMarkers } from "../storage/storage.js";
import type { BlobSelection, VerifiedBlobs } from "../storage/verification.js";
import { DigestText } from "./digest-text.js";
import { withLinkTimes } from "./link-times.js";
import { recordManifests } from "./record-manifests.js";
import { recordRepository } from "./record-repository.js";
import type { Tables } from "./tables-writer.js";

/** A storage that is read as it always is, and whose links and manifests are written to tables as they pass by: none is kept for that. */
export class RecordedStorage implements Storage {
  readonly driver: Storage["driver"];
  readonly location: string;
  readonly #digests = new DigestText();
  readonly filesBelow?: NonNullable<Storage["filesBelow"]>;

  constructor(
    private readonly storage: Storage,
    private readonly tables: Tables,
    /** Does the writing, and says of an error where it was. */
    private readonly writing: (work: () => void) => void,
  ) {
    this.driver = storage.driver;
    this.location = storage.location;
    const filesBelow = storage.filesBelow?.bind(storage);
    if (filesBelow !== undefined) this.filesBelow = filesBelow;
  }

  get server(): string | undefined {
    return this.storage.server;
  }

  get requests(): Readonly<StorageRequests> {
    return this.storage.requests;
  }

  get requestPrices(): RequestPrices | undefined {
    return this.storage.requestPrices;
  }

  get asOf(): number | undefined {
    return this.storage.asOf;
  }

  get remembersManifests(): boolean {
    return this.storage.remembersManifests;
  }

  markers(): Promise<StorageMarkers> {
    return this.storage.markers();
  }

  blobs(): AsyncIterable<BlobBatch> {
    return this.storage.blobs();
  }

  async *repositories(): AsyncGenerator<RepositoryListing> {
    for await (const listed of this.storage.repositories()) {
      const listing = await withLinkTimes(this.storage, listed);
      this.writing(() => recordRepository(this.tables, this.#digests, listing));
      yield listing;
    }
  }

  async readManifests(algorithm: DigestAlgorithm, digests: Uint32Array, listedBytes?: Float64Array): Promise<ManifestBatch> {
    const batch = await this.storage.readManifests(algorithm, digests, listedBytes);
    this.writing(() => recordManifests(this.tables, this.#digests, { algorithm, digests, listedBytes, batch }));
    return batch;
  }

  verifyBlobs(selections: Iterable<BlobSelection>, onBytes: (bytes: number) => void): AsyncIterable<VerifiedBlobs> {
    return this.storage.verifyBlobs(selections, onBytes);
  }

  multipartUploads(): Promise<MultipartListing> {
    return this.storage.multipartUploads();
  }

  modified(paths: readonly string[]): Promise<readonly (number | StorageFault)[]> {
    return this.storage.modified(paths);
  }

  close(): Promise<void> {
    return this.storage.close();
  }
}
