import type { Digest } from "../registry/digest.js";
import type { OwnerKind } from "../registry/owners.js";
import type { BlobTable } from "./blob-table.js";
import type { MarkContext } from "./context.js";
import type { Finding } from "./finding.js";
import type { MarkedRepository } from "./marked-repository.js";
import type { Verified } from "./verify.js";

/** All blobs with their marks, and all repositories. */
export interface Marked {
  readonly table: BlobTable;
  readonly blobBytes: number;
  /** By number: a blob's owner `n` is `repositories[n - 1]`. */
  readonly repositories: readonly MarkedRepository[];
  /** Findings that belong to no repository. */
  readonly findings: readonly Finding[];
  /** False when something could not be read: nothing may be swept. */
  readonly complete: boolean;
  /** What was read whole, if that was asked for. */
  readonly verified: Verified | undefined;
  /** What it was marked with; `explain` asks it where references lead. */
  readonly context: MarkContext;
  /** Manifests that keep what they refer to wherever that is: pinned or young ones, and their children. */
  readonly anywhere: readonly number[];
  readonly pins: MarkedPins;
  /** Why unfinished multipart uploads may not be listed; undefined where they were. */
  readonly uploadsDenied: string | undefined;
  /** Why the bytes of some multipart uploads are not known; undefined where all are. */
  readonly uploadsUnmeasured: string | undefined;
  /** What else than the storage decides what is live; none for an ordinary registry. See `withTruth`. */
  readonly truthElsewhere: readonly TruthElsewhere[];
}

/** What became of the digests that are in use outside of the registry. */
export interface MarkedPins {
  /** How many different ones there are. */
  readonly given: number;
  /** How many of them are stored: these stay, with all that they reach. */
  readonly found: number;
  /** Not stored: they belong to another registry, or what runs by them can no longer be pulled. */
  readonly missing: readonly Digest[];
  /** Found, but no repository has it as a manifest, nor as a manifest's config: it stays, but no image is kept by it. */
  readonly unlinked: readonly Digest[];
}

/** Something else than the storage that decides what is live, and what says so. */
export interface TruthElsewhere {
  /** "unknown": there is not one tag, so that they are kept somewhere else. */
  readonly owner: OwnerKind | "unknown";
  readonly evidence: string;
  /** Of the file that says so; "" where it is no file of the storage. */
  readonly path: string;
}
