import { REPOSITORIES, repositoryPath } from "../../registry/layout.js";
import { RepositoryListingBuilder } from "../listing-builder.js";
import type { RepositoryListing } from "../listing.js";
import { mergeListings } from "../merge-listings.js";
import type { BucketReader } from "./bucket-reader.js";
import { listingFault } from "./errors.js";
import type { LinkReader } from "./links.js";
import { ParallelListing } from "./parallel-listing.js";
import { RepositoryReader } from "./repository-reader.js";
import { RepositorySplitter } from "./split-repositories.js";

/** What a listing of the repositories needs. */
export interface RepositoryScan {
  readonly bucket: BucketReader;
  readonly links: LinkReader;
  /** What comes before the paths in a key. */
  readonly root: string;
  /** Pages to expect, for a start. */
  readonly expectedPages: number;
}

/** Lists all repositories, each whole: its parts are kept until no range under way can bring another. */
export async function* scanRepositories(scan: RepositoryScan): AsyncGenerator<RepositoryListing> {
  const { root } = scan;
  const waiting = new Map<string, RepositoryListing[]>();
  const listing = listKeys(scan, `${root}${REPOSITORIES}/`);
  for await (const { value, failure } of listing.pages()) {
    for (const part of value) {
      if (part.name === "") yield part;
      else waiting.set(part.name, [...(waiting.get(part.name) ?? []), part]);
    }
    if (failure !== undefined) yield faultListing(failure.after.slice(root.length), failure.error);
    for (const [name, parts] of waiting) {
      if (listing.isAwaiting(`${root}${repositoryPath(name)}/_`)) continue;
      waiting.delete(name);
      yield mergeListings(parts);
    }
  }
  for (const parts of waiting.values()) yield mergeListings(parts);
}

/** The parts of one repository, in no order, and the fault where its listing broke off. */
export async function* scanRepository(scan: RepositoryScan, name: string): AsyncGenerator<RepositoryListing> {
  const { root } = scan;
  const listing = listKeys(scan, `${root}${repositoryPath(name)}/_`);
  for await (const { value, failure } of listing.pages()) {
    for (const part of value) if (part.name === name) yield part;
    if (failure !== undefined) yield faultListing(failure.after.slice(root.length), failure.error);
  }
}

function listKeys(
  { bucket, links, root, expectedPages }: RepositoryScan,
  prefix: string,
): ParallelListing<readonly RepositoryListing[]> {
  const splitter = new RepositorySplitter(bucket, root, expectedPages);
  return new ParallelListing(
    bucket,
    {
      prefix,
      expectedPages,
      cuts: (range) => splitter.cuts(range),
      explore: (range) => splitter.explore(range),
      guess: (range) => splitter.guess(range),
    },
    () => new RepositoryReader(links, root.length),
  );
}

function faultListing(after: string, error: unknown): RepositoryListing {
  const builder = new RepositoryListingBuilder("");
  const { path, cause } = listingFault(REPOSITORIES, after, error);
  builder.addFault(path, cause);
  return builder.build();
}
