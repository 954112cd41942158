import type { DigestAlgorithm } from "../registry/digest.js";
import type { RepositoryListing } from "../storage/listing.js";
import type { ManifestBatch } from "../storage/manifest-damage.js";
import { StorageLayer } from "../storage/storage-layer.js";
import type { Storage } from "../storage/storage.js";
import { DigestText } from "./digest-text.js";
import { withLinkTimes } from "./link-times.js";
import { recordManifests } from "./record-manifests.js";
import { recordRepository } from "./record-repository.js";
import type { Tables } from "./tables-writer.js";

/** A storage that is read as it always is, and whose links and manifests are written to tables as they pass by: none is kept for that. */
export class RecordedStorage extends StorageLayer {
  readonly #digests = new DigestText();

  constructor(
    storage: Storage,
    private readonly tables: Tables,
    /** Does the writing, and says of an error where it was. */
    private readonly writing: (work: () => void) => void,
  ) {
    super(storage);
  }

  override async *repositories(): AsyncGenerator<RepositoryListing> {
    for await (const listed of this.storage.repositories()) {
      const listing = await withLinkTimes(this.storage, listed);
      this.writing(() => recordRepository(this.tables, this.#digests, listing));
      yield listing;
    }
  }

  override async readManifests(
    algorithm: DigestAlgorithm,
    digests: Uint32Array,
    listedBytes?: Float64Array,
  ): Promise<ManifestBatch> {
    const batch = await this.storage.readManifests(algorithm, digests, listedBytes);
    this.writing(() => recordManifests(this.tables, this.#digests, { algorithm, digests, listedBytes, batch }));
    return batch;
  }
}
