import type { DigestAlgorithm } from "../registry/digest.js";
import type { StoredObject } from "./changes.js";
import type { BlobBatch, Expiration, MultipartListing, RepositoryListing, StorageFault } from "./listing.js";
import type { ManifestBatch } from "./manifest-damage.js";
import type { RequestPrices, StorageRequests } from "./requests.js";
import type { BlobSelection, VerifiedBlobs } from "./verification.js";

/** What lies at the storage's root besides blobs and repositories, and says that the links are not the whole truth. */
export interface StorageMarkers {
  readonly hasBlobs: boolean;
  readonly hasRepositories: boolean;
  /** `scheduler-state.json`: a pull-through proxy writes here. */
  readonly proxyState: boolean;
  /** Why a registry that starts as a pull-through cache panics at that file, if it does. */
  readonly proxyStateProblem?: string | undefined;
  /** GitLab's marker: metadata lives in a database. */
  readonly database: boolean;
  /** Where the listing comes from an inventory: what messages call it, and whether it is older than wanted. */
  readonly inventory?: { readonly name: string; readonly isStale: boolean } | undefined;
}

/** Where strays beside blobs and links are looked for, if that has a price: in **some** of many directories, or in **all**. */
export type LeafSearch = "some" | "all";

/**
 * Where a registry keeps its data. Read-only: whatever changes a storage is the sweep's, behind an interface of its own.
 *
 * Paths are relative to the storage root and have the form of `registry/layout.ts`. No method follows a symbolic link below the
 * root. What cannot be listed or read is a `StorageFault` in the result, never an absence, and everything else is still returned;
 * a method throws only when the storage as a whole is out of reach.
 */
export interface Storage {
  readonly driver: "filesystem" | "s3";
  /** For people: the directory, or `s3://bucket/rootdirectory`. */
  readonly location: string;
  /** S3: host and port of the server that has the bucket; undefined for AWS. */
  readonly server?: string | undefined;
  /** What tells a directory from another one at the same path; undefined as long as there is none, and for a bucket. */
  readonly id?: string | undefined;
  readonly requests: Readonly<StorageRequests>;
  /** Seconds since 1970: when the storage was as it is listed, where that is not now. What has changed since is neither young nor a fault. */
  readonly asOf?: number | undefined;
  /** What requests cost, where that is known. */
  readonly requestPrices?: RequestPrices | undefined;
  /** Throws a `UsageError` when there is no registry at the root. */
  markers(): Promise<StorageMarkers>;
  /** All blobs, in no order, each once. Strays are looked for in some directories if nothing is said. */
  blobs(leaves?: LeafSearch): AsyncIterable<BlobBatch>;
  /** All repositories, in no order, each once and whole. Faults and strays that belong to none come under the name "". */
  repositories(leaves?: LeafSearch): AsyncIterable<RepositoryListing>;
  /** One repository, as `repositories` gives it; with nothing in it where there is none of this name, whatever the name is. */
  repository(name: string): Promise<RepositoryListing>;
  /**
   * All files below the directories of some of a repository's tags, by their paths from there on, in the order of the tags; a fault for what
   * cannot be listed. `listing` is what this storage has said of the repository.
   */
  filesOfTags(listing: RepositoryListing, tags: readonly string[]): Promise<readonly (readonly string[] | StorageFault)[]>;
  /**
   * Reads manifests, verifies each against its digest, parses it. `digests` are packed words. `listedBytes` is the size of each blob by
   * the listing, NaN for one that was not listed: only what is stored in its right size may be answered from an earlier run.
   */
  readManifests(algorithm: DigestAlgorithm, digests: Uint32Array, listedBytes?: Float64Array): Promise<ManifestBatch>;
  /** Whether `readManifests` may answer from what an earlier run has read and verified. */
  readonly remembersManifests: boolean;
  /**
   * Compares blobs with their digests: reads each to its end as a stream, or takes the word of a storage that keeps a checksum of the
   * content where that is the digest. A content that is wrong is read again, since only what comes out the same twice is damage.
   * Selections are begun in their order and as they are needed; results come in any.
   * `onBytes` receives the number of bytes as they are read: a negative one when some have to be read again. A blob that is gone is a fault.
   */
  verifyBlobs(selections: Iterable<BlobSelection>, onBytes: (bytes: number) => void): AsyncIterable<VerifiedBlobs>;
  /** Multipart uploads of S3 that were begun and neither completed nor aborted; a filesystem has none. */
  multipartUploads(): Promise<MultipartListing>;
  /**
   * What the storage deletes by itself of the blobs and links that pulls need, one for each rule: by what it has said with everything that
   * was read so far, and by what it says of the `samples`, which are paths. Nothing is said of what it does not tell; a filesystem deletes nothing.
   */
  expirations(samples: Iterable<string>): Promise<readonly Expiration[]>;
  /** When each of the files was last changed, in seconds since 1970; a fault for what cannot be told. */
  modified(paths: readonly string[]): Promise<readonly (number | StorageFault)[]>;
  /**
   * All objects below a directory that is not the registry's, such as `regcheck`, in no order. Throws an `OperatorError` when it cannot be listed
   * to the end.
   */
  list(directory: string): AsyncIterable<StoredObject>;
  close(): Promise<void>;
}
