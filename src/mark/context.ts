import type { Storage } from "../storage/storage.js";
import type { BlobTable } from "./blob-table.js";
import type { LostSizes } from "./lost-sizes.js";
import type { ManifestStore } from "./manifest-store.js";
import type { Policy } from "./policy.js";

/** What marking is done with, the same for all repositories. */
export interface MarkContext {
  readonly storage: Storage;
  readonly table: BlobTable;
  readonly store: ManifestStore;
  readonly policy: Policy;
  /** Numbers of the pinned digests. */
  readonly pins: ReadonlySet<number>;
  /** What links of other algorithms than sha256 may mean, in any of the repositories that were marked so far. */
  readonly aliases: Map<number, (readonly number[])[]>;
  /** What is known by its size alone of what manifests mean. */
  readonly lostSizes: LostSizes;
  /** Manifests that refer to something of which nothing tells what it is stored as: no blob is garbage for their sake. */
  readonly needsAnything: Set<number>;
  /** Manifests that a repository has as a revision, and whose blob is gone: of those repositories that were marked so far. */
  readonly lostManifests: Set<number>;
  /** Links by another algorithm that lead to other content, which only reading their blobs tells: what else they keep is known too late. */
  readonly swappedAliases: Set<number>;
  /** Paths of blobs that were deleted since an old listing was made: whether a pull misses one is asked elsewhere. */
  readonly gone: Set<string>;
  /** With a filter: 1 for each stored blob that a repository which is shown names. */
  readonly shownBlobs?: Uint8Array | undefined;
}
