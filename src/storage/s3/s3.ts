import { errorMessage, EXIT_CODES, OperatorError, UsageError } from "../../errors.js";
import type { DigestAlgorithm } from "../../registry/digest.js";
import { proxyStateProblem } from "../../registry/proxy-state.js";
import { BLOBS, DATABASE_MARKER, PROXY_STATE, REPOSITORIES, V2 } from "../../registry/layout.js";
import type { StoredObject } from "../changes.js";
import { listedFiles } from "../listed-files.js";
import { RepositoryListingBuilder } from "../listing-builder.js";
import type { BlobBatch, Expiration, MultipartListing, RepositoryListing, StorageFault } from "../listing.js";
import type { ManifestBatch } from "../manifest-damage.js";
import { mergeListings } from "../merge-listings.js";
import type { RequestPrices, StorageRequests } from "../requests.js";
import type { Storage, StorageMarkers } from "../storage.js";
import type { BlobSelection, VerifiedBlobs } from "../verification.js";
import { BucketReader } from "./bucket-reader.js";
import { causeOf, openError } from "./errors.js";
import { Expirations } from "./expirations.js";
import { firstObject, objectAt } from "./first-object.js";
import { listObjects } from "./list-objects.js";
import { LinkReader } from "./links.js";
import { isOfAws, locationOf, rootPrefixOf, serverOf } from "./options.js";
import type { S3Options } from "./options.js";
import { ModifiedTimes } from "./modified-times.js";
import { ManifestCache } from "./manifest-cache.js";
import type { Part } from "./parts/part.js";
import { readPart } from "./parts/read-part.js";
import type { PartRead } from "./parts/read-part.js";
import { listMultipartUploads } from "./multipart.js";
import { awsPrices } from "./prices.js";
import { readManifests } from "./read-manifests.js";
import type { ListedObject } from "./page.js";
import { scanBlobs } from "./scan-blobs.js";
import { verifyBlobs } from "./verify-blobs.js";
import { scanRepositories, scanRepository } from "./scan-repositories.js";

/** A registry's storage in an S3 bucket: the driver `s3`. */
export class S3Storage implements Storage {
  readonly driver = "s3";
  readonly location: string;
  protected readonly bucket: BucketReader;
  protected readonly root: string;
  readonly #cache: ManifestCache | undefined;
  readonly #times: ModifiedTimes;
  readonly #expirations = new Expirations();
  #blobPages = 0;

  constructor(protected readonly options: S3Options) {
    this.location = locationOf(options);
    this.root = rootPrefixOf(options);
    this.#cache = options.cache === undefined ? undefined : ManifestCache.open(options.cache, options.cacheBytes);
    this.bucket = new BucketReader(options, (key, header) => this.#expirations.note(key.slice(this.root.length), header));
    this.#times = new ModifiedTimes(this.bucket, this.root);
  }

  get requestPrices(): RequestPrices | undefined {
    return isOfAws(this.options) ? awsPrices : undefined;
  }

  get server(): string | undefined {
    return serverOf(this.options);
  }

  get requests(): Readonly<StorageRequests> {
    return this.bucket.requests;
  }

  async markers(): Promise<StorageMarkers> {
    const below = (directory: string): Promise<ListedObject | undefined> => firstObject(this.bucket, `${this.root}${directory}/`);
    const at = (path: string): Promise<ListedObject | undefined> => objectAt(this.bucket, `${this.root}${path}`);
    try {
      const [blob, repository, proxyState, database] = await Promise.all([
        below(BLOBS),
        below(REPOSITORIES),
        at(PROXY_STATE),
        at(DATABASE_MARKER),
      ]);
      if (blob === undefined && repository === undefined)
        throw new UsageError(
          `${this.location}: not a registry's storage. Expected keys that begin with ${this.root}${V2}/: give s3://bucket/rootdirectory, with the registry's own rootdirectory.`,
        );
      return {
        hasBlobs: blob !== undefined,
        hasRepositories: repository !== undefined,
        proxyState: proxyState !== undefined,
        // What else it holds the listing does not tell.
        proxyStateProblem: proxyState?.size === 0 ? proxyStateProblem("") : undefined,
        database: database !== undefined,
      };
    } catch (error) {
      throw openError(error, this.location, this.options.endpoint);
    }
  }

  async *blobs(): AsyncGenerator<BlobBatch> {
    for await (const batch of scanBlobs(this.bucket, this.root)) {
      this.#blobPages += batch.sizes.length / 1000;
      yield batch;
    }
  }

  repositories(): AsyncGenerator<RepositoryListing> {
    return scanRepositories({
      bucket: this.bucket,
      links: new LinkReader(this.bucket, this.options.readLinks ?? false),
      root: this.root,
      // Most blobs have a link at least.
      expectedPages: this.#blobPages,
    });
  }

  async repository(name: string): Promise<RepositoryListing> {
    const parts = [new RepositoryListingBuilder(name).build()];
    const links = new LinkReader(this.bucket, this.options.readLinks ?? false);
    for await (const part of scanRepository({ bucket: this.bucket, links, root: this.root, expectedPages: 1 }, name))
      parts.push(part);
    return mergeListings(parts);
  }

  /** A bucket's listing tells of every object. */
  async filesOfTags({ tags: listed }: RepositoryListing, tags: readonly string[]): Promise<readonly (readonly string[])[]> {
    return listedFiles(listed, tags);
  }

  readManifests(algorithm: DigestAlgorithm, digests: Uint32Array, listedBytes?: Float64Array): Promise<ManifestBatch> {
    return readManifests({ bucket: this.bucket, root: this.root, known: this.#cache }, algorithm, digests, listedBytes);
  }

  /** Reads a part of the manifests into a cache: see `readPart`. */
  readPart(cache: ManifestCache, part: Part, onProgress: (progress: Readonly<PartRead>) => void): Promise<PartRead> {
    return readPart({ bucket: this.bucket, root: this.root }, cache, part, onProgress);
  }

  get remembersManifests(): boolean {
    return this.#cache !== undefined;
  }

  verifyBlobs(selections: Iterable<BlobSelection>, onBytes: (bytes: number) => void): AsyncGenerator<VerifiedBlobs> {
    return verifyBlobs(this.bucket, this.root, selections, onBytes);
  }

  modified(paths: readonly string[]): Promise<readonly (number | StorageFault)[]> {
    return this.#times.of(paths);
  }

  async *list(directory: string): AsyncGenerator<StoredObject> {
    try {
      yield* listObjects(this.bucket, this.root, directory);
    } catch (error) {
      throw new OperatorError(`${this.location}: ${directory} cannot be listed: ${causeOf(error)}`, EXIT_CODES.incomplete, {
        cause: error,
      });
    }
  }

  async multipartUploads(): Promise<MultipartListing> {
    return listMultipartUploads(this.bucket, this.root);
  }

  /** A sample that is gone, or may not be asked for, tells nothing: all that depends on it is a warning. */
  async expirations(samples: Iterable<string>): Promise<readonly Expiration[]> {
    await Promise.all(Array.from(samples, (path) => this.bucket.askExpiration(`${this.root}${path}`).catch(() => {})));
    return this.#expirations.all();
  }

  async close(): Promise<void> {
    this.bucket.close();
    try {
      this.#cache?.close();
    } catch (error) {
      this.options.onWarning?.(`the cache ${this.options.cache ?? ""} could not be read or written: ${errorMessage(error)}`);
    }
  }
}
