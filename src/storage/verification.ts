import { Digest, DIGEST_WORDS } from "../registry/digest.js";
import type { DigestAlgorithm } from "../registry/digest.js";
import { blobPath } from "../registry/layout.js";
import type { StorageFault } from "./listing.js";

/** Blobs to be verified, of one algorithm: parallel arrays. */
export interface BlobSelection {
  readonly algorithm: DigestAlgorithm;
  /** `DIGEST_WORDS[algorithm]` words a blob. */
  readonly digests: Uint32Array;
  /** Bytes, as they were listed. */
  readonly sizes: Float64Array;
  /** Where the contents are, if not at their digests: the sha256 digests of the blobs that links of another algorithm lead to. */
  readonly storedAs?: Uint32Array | undefined;
}

/** Where the content is that is to have a selection's digest number `i`. */
export function placeOf({ algorithm, digests, storedAs }: BlobSelection, i: number): string {
  return storedAs === undefined
    ? blobPath(Digest.fromWords(algorithm, digests, i * DIGEST_WORDS[algorithm]))
    : blobPath(Digest.fromWords("sha256", storedAs, i * DIGEST_WORDS.sha256));
}

/** A blob whose content has another digest than was expected. */
export interface CorruptBlob {
  readonly path: string;
  readonly algorithm: DigestAlgorithm;
  readonly hex: string;
  /** The digest that the content has, by the same algorithm. */
  readonly contentHex: string;
  /** Bytes of the content. */
  readonly bytes: number;
  /** Bytes, as they were listed. */
  readonly listedBytes: number;
}

/** The result for some blobs. Sound ones are counted only. */
export interface VerifiedBlobs {
  /** Blobs whose content was compared with their digest, corrupt ones included. */
  readonly blobs: number;
  /** Bytes of these. */
  readonly bytes: number;
  /** Of these bytes, what was not read: the storage keeps a checksum of the content, which is the digest. */
  readonly vouchedBytes: number;
  readonly corrupt: readonly CorruptBlob[];
  readonly faults: readonly StorageFault[];
}

/** What became of one blob. */
export type BlobOutcome =
  | { readonly kind: "sound"; readonly bytes: number; readonly isVouched?: boolean }
  | { readonly kind: "corrupt"; readonly contentHex: string; readonly bytes: number }
  | { readonly kind: "unreadable"; readonly cause: string; readonly gone?: true };

/** The result for a blob that was read. */
export interface BlobContent {
  readonly hex: string;
  readonly bytes: number;
}

/**
 * Judges a content that is not what its digest says, by what a second reading gave: undefined when the blob is gone. Only what comes
 * out the same twice is damage; the first time it may have been the way to here, or a registry that was writing.
 */
export function judgeSecondReading(hex: string, first: BlobContent, second: BlobContent | undefined): BlobOutcome {
  if (second === undefined) return GONE;
  if (second.hex === hex) return { kind: "sound", bytes: second.bytes };
  if (second.hex !== first.hex) return { kind: "unreadable", cause: "each reading gives another content" };
  return { kind: "corrupt", contentHex: second.hex, bytes: second.bytes };
}

/** It was listed, and cannot be read: somebody deletes while we read, or the storage does not tell the truth. */
export const GONE: BlobOutcome = { kind: "unreadable", cause: "gone since it was listed", gone: true };

/** The fault of a blob that could not be read. */
export function faultOf(path: string, { cause, gone }: Extract<BlobOutcome, { kind: "unreadable" }>): StorageFault {
  return gone === undefined ? { path, cause } : { path, cause, gone };
}
