import type { RepositoryListing } from "../storage/listing.js";
import { StorageLayer } from "../storage/storage-layer.js";
import type { Storage } from "../storage/storage.js";

/** 32-bit words of all links that are remembered at most: 256 MB, some seven million links. */
const MOST_WORDS = 64 * 1024 ** 2;

/**
 * A storage whose repositories are listed once, and remembered for who asks again, as far as there is room for them: of a larger registry
 * they are listed anew.
 */
export class RememberedStorage extends StorageLayer {
  #remembered: readonly RepositoryListing[] | undefined;

  constructor(
    storage: Storage,
    private readonly mostWords = MOST_WORDS,
  ) {
    super(storage);
  }

  override async *repositories(): AsyncGenerator<RepositoryListing> {
    if (this.#remembered !== undefined) {
      yield* this.#remembered;
      return;
    }
    const listings: RepositoryListing[] = [];
    let words = 0;
    for await (const listing of this.storage.repositories()) {
      words += wordsOf(listing);
      if (words <= this.mostWords) listings.push(listing);
      else listings.length = 0;
      yield listing;
    }
    if (words <= this.mostWords) this.#remembered = listings;
  }
}

function wordsOf({ revisions, layers, tags }: RepositoryListing): number {
  return revisions.digests.length + layers.digests.length + tags.current.length + tags.indexDigests.length;
}
