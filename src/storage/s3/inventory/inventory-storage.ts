import { DATABASE_MARKER, PROXY_STATE } from "../../../registry/layout.js";
import { RepositoryListingBuilder } from "../../listing-builder.js";
import type { BlobBatch, Expiration, MultipartListing, RepositoryListing } from "../../listing.js";
import type { StorageMarkers } from "../../storage.js";
import { openError } from "../errors.js";
import { LinkReader } from "../links.js";
import type { S3Options } from "../options.js";
import { S3Storage } from "../s3.js";
import { withArchived } from "../scan-blobs.js";
import type { Inventory, InventoryFacts } from "./inventory.js";

/**
 * A bucket whose listing comes from an inventory. All else is asked of the bucket as it is now: manifests, links that the listing does not
 * prove, and once more what is missing. It is listed for its multipart uploads, which no inventory has, and for what regcheck itself keeps
 * there: what a sweep has moved since is of interest now.
 */
export class InventoryStorage extends S3Storage {
  readonly asOf: number;
  #uploads: Promise<MultipartListing> | undefined;

  constructor(
    options: S3Options,
    private readonly inventory: Inventory,
    private readonly facts: InventoryFacts & { readonly isStale: boolean },
  ) {
    super(options);
    this.asOf = facts.asOf;
  }

  override async markers(): Promise<StorageMarkers> {
    // First of all: whatever is asked for later is asked faster once a listing has shown where the bucket is.
    await this.multipartUploads();
    await this.inventory.read();
    try {
      const [proxyState, database] = await Promise.all(
        [PROXY_STATE, DATABASE_MARKER].map(async (path) => (await this.bucket.modified(`${this.root}${path}`)) !== undefined),
      );
      return {
        hasBlobs: true,
        hasRepositories: true,
        proxyState: proxyState === true,
        database: database === true,
        inventory: { name: this.facts.name, isStale: this.facts.isStale },
      };
    } catch (error) {
      throw openError(error, this.location, this.options.endpoint);
    }
  }

  override async *blobs(): AsyncGenerator<BlobBatch> {
    await this.inventory.read();
    for (const batch of this.inventory.blobs()) yield await withArchived(batch, this.bucket, this.root);
  }

  override async *repositories(): AsyncGenerator<RepositoryListing> {
    await this.inventory.read();
    yield* this.inventory.repositories(new LinkReader(this.bucket, this.options.readLinks ?? false));
  }

  override async repository(name: string): Promise<RepositoryListing> {
    for await (const listing of this.repositories()) if (listing.name === name) return listing;
    return new RepositoryListingBuilder(name).build();
  }

  override multipartUploads(): Promise<MultipartListing> {
    return (this.#uploads ??= super.multipartUploads());
  }

  /** Nothing is asked of the bucket for it, and what is read anyway differs from run to run. */
  override async expirations(): Promise<readonly Expiration[]> {
    return [];
  }

  override async close(): Promise<void> {
    this.inventory.close();
    await super.close();
  }
}
