import type { DigestAlgorithm } from "../registry/digest.js";
import type { StoredObject } from "./changes.js";
import type { BlobBatch, Expiration, MultipartListing, RepositoryListing, StorageFault } from "./listing.js";
import type { ManifestBatch } from "./manifest-damage.js";
import type { RequestPrices, StorageRequests } from "./requests.js";
import type { LeafSearch, Storage, StorageMarkers } from "./storage.js";
import type { BlobSelection, VerifiedBlobs } from "./verification.js";

/** A storage around another one, which it passes everything on to: what is to be done otherwise, a class that extends it does. */
export class StorageLayer implements Storage {
  constructor(protected readonly storage: Storage) {}

  get driver(): Storage["driver"] {
    return this.storage.driver;
  }

  get location(): string {
    return this.storage.location;
  }

  get server(): string | undefined {
    return this.storage.server;
  }

  get id(): string | undefined {
    return this.storage.id;
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

  blobs(leaves?: LeafSearch): AsyncIterable<BlobBatch> {
    return this.storage.blobs(leaves);
  }

  repositories(leaves?: LeafSearch): AsyncIterable<RepositoryListing> {
    return this.storage.repositories(leaves);
  }

  repository(name: string): Promise<RepositoryListing> {
    return this.storage.repository(name);
  }

  filesOfTags(listing: RepositoryListing, tags: readonly string[]): Promise<readonly (readonly string[] | StorageFault)[]> {
    return this.storage.filesOfTags(listing, tags);
  }

  readManifests(algorithm: DigestAlgorithm, digests: Uint32Array, listedBytes?: Float64Array): Promise<ManifestBatch> {
    return this.storage.readManifests(algorithm, digests, listedBytes);
  }

  verifyBlobs(selections: Iterable<BlobSelection>, onBytes: (bytes: number) => void): AsyncIterable<VerifiedBlobs> {
    return this.storage.verifyBlobs(selections, onBytes);
  }

  multipartUploads(): Promise<MultipartListing> {
    return this.storage.multipartUploads();
  }

  expirations(samples: Iterable<string>): Promise<readonly Expiration[]> {
    return this.storage.expirations(samples);
  }

  modified(paths: readonly string[]): Promise<readonly (number | StorageFault)[]> {
    return this.storage.modified(paths);
  }

  list(directory: string): AsyncIterable<StoredObject> {
    return this.storage.list(directory);
  }

  close(): Promise<void> {
    return this.storage.close();
  }
}
