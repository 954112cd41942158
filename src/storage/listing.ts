import type { DigestAlgorithm } from "../registry/digest.js";
import type { MistakenPath } from "../registry/stray-path.js";

/**
 * What a storage lists, in packed and cloneable form: it crosses threads, and there may be millions of it. A link that says what
 * its path says (nearly all do) is eight words; everything else is *odd* and keeps its content for the mark phase to judge.
 */

/** A path that could not be listed or read, and why: what it holds is unknown, so nothing may be swept. */
export interface StorageFault {
  readonly path: string;
  readonly cause: string;
  /** Nothing is there, where something was listed. */
  readonly gone?: boolean;
}

/** What lies outside the layout: a file, or a directory with all below it. */
export interface Stray {
  readonly path: string;
  /** Bytes of all its files. */
  readonly bytes: number;
  /** Which of its files the registry stumbles over. */
  readonly mistaken?: MistakenPath | undefined;
}

/** Blobs of one algorithm: parallel arrays. */
export interface BlobBatch {
  readonly algorithm: DigestAlgorithm;
  /** `DIGEST_WORDS[algorithm]` words a blob. */
  readonly digests: Uint32Array;
  /** Bytes. */
  readonly sizes: Float64Array;
  /** Seconds since 1970. */
  readonly modified: Uint32Array;
  readonly strays: readonly Stray[];
  /** Blobs of S3, by their paths, that are in an archive storage class. */
  readonly archived?: readonly string[];
  /** Whose the blobs of a filesystem are: one of these for each user. */
  readonly owners?: readonly BlobOwner[];
  readonly faults: readonly StorageFault[];
}

/** A batch without blobs, for what else there is to say. */
export const NO_BLOBS: BlobBatch = {
  algorithm: "sha256",
  digests: new Uint32Array(),
  sizes: new Float64Array(),
  modified: new Uint32Array(),
  strays: [],
  faults: [],
};

/** Blobs that belong to one user of a filesystem, and those of them, by path, that are kept from somebody. */
export interface BlobOwner {
  /** Its number in the system. */
  readonly user: number;
  readonly count: number;
  readonly closedToOwner: readonly string[];
  /** Neither the group nor everybody may read these. Left out where most of many are. */
  readonly closedToOthers: readonly string[];
}

/** The links of a section, revisions or layers, whose path and content name the same sha256 digest. */
export interface SoundLinks {
  /** Eight words a link. */
  readonly digests: Uint32Array;
  /** Seconds since 1970 for each link, where the backend learns it without asking. */
  readonly modified: Uint32Array | undefined;
}

/** Which directory of a repository a link lies in. */
export type LinkSection = "revisions" | "layers";

/** A link that is not sound: another algorithm, or a content that differs from the path. */
export interface OddLink {
  readonly section: LinkSection;
  readonly algorithm: DigestAlgorithm;
  readonly hex: string;
  readonly content: Uint8Array;
  /** Seconds since 1970, where the backend learns it without asking. */
  readonly modified?: number;
}

/** A repository's tags: parallel arrays, with the exceptions beside them. */
export interface TagListing {
  readonly names: readonly string[];
  /** Eight words a tag: the sha256 digest in its `current/link`; zeros where `oddCurrent` has it. */
  readonly current: Uint32Array;
  /** Of each tag's `current/link`, seconds since 1970, 0 where there is none: the time of the last push. Where the backend learns it without asking. */
  readonly modified: Uint32Array | undefined;
  /** Tags whose `current/link` is no sha256 digest: its content, or undefined where there is no such file. */
  readonly oddCurrent: readonly { readonly tag: number; readonly content: Uint8Array | undefined }[];
  /** Entries of the tags' `index/`: the position in `names`, and eight words. */
  readonly indexTag: Uint32Array;
  readonly indexDigests: Uint32Array;
  /** Those that are not sound: their content, or undefined where only the directory is left of one. */
  readonly oddIndex: readonly {
    readonly tag: number;
    readonly algorithm: DigestAlgorithm;
    readonly hex: string;
    readonly content: Uint8Array | undefined;
  }[];
  /** What else lies below the tags' directories, from there on, as far as the backend learns of it without asking. */
  readonly others: readonly { readonly tag: number; readonly name: string }[];
}

/** An object of an upload or a tag. */
export interface OwnObject {
  /** Its path from the upload's or the tag's directory on: `data`, `hashstates/sha256/0`, `current/link`. */
  readonly name: string;
  /** 0 for those of a tag, as for all links. */
  readonly bytes: number;
  /** It lies there, but is none of the registry's: what has it goes, but this. */
  readonly isStray?: true;
}

/** An upload in progress, or left over. */
export interface UploadListing {
  readonly id: string;
  /** The content of `startedat`, RFC 3339, if there is one. */
  readonly startedAt: string | undefined;
  /** All that lies below its directory. */
  readonly objects: readonly OwnObject[];
  /** Bytes of all of them. */
  readonly bytes: number;
  /** The newest of them, seconds since 1970. */
  readonly modified: number;
}

/** All that a repository's directory holds. */
export interface RepositoryListing {
  readonly name: string;
  /** Whether the registry has written here: there is a `_layers`, `_manifests` or `_uploads`. A mere parent has strays and faults at most. */
  readonly isRepository: boolean;
  readonly revisions: SoundLinks;
  readonly layers: SoundLinks;
  readonly oddLinks: readonly OddLink[];
  readonly tags: TagListing;
  readonly uploads: readonly UploadListing[];
  readonly strays: readonly Stray[];
  /** The same of links of S3 that pulls need. */
  readonly archived?: readonly string[];
  readonly faults: readonly StorageFault[];
}

/** An unfinished multipart upload: it takes up room, and no listing of objects shows it. */
export interface MultipartUpload {
  /** Where its object would be. */
  readonly path: string;
  /** What S3 knows it by. */
  readonly uploadId: string;
  /** Seconds since 1970. */
  readonly initiated: number;
  /** Of its parts; undefined where that could not be told. */
  readonly bytes: number | undefined;
}

/** What a rule of the storage's own is going to delete: a lifecycle rule of a bucket. */
export interface Expiration {
  /** The rule's name, as it was given; undefined where the storage does not tell it. */
  readonly rule: string | undefined;
  /** When the first of the blobs and links that were asked for goes, in seconds since 1970. */
  readonly at: number;
  /** The path of that one. */
  readonly path: string;
  /** How many answers about blobs and links named the rule. */
  readonly answers: number;
}

/** All unfinished multipart uploads. */
export interface MultipartListing {
  readonly uploads: readonly MultipartUpload[];
  /** Why they may not be listed, where that is so. */
  readonly denied?: string;
  /** Why the bytes of some are not known, where that is so. */
  readonly unmeasured?: string;
  readonly faults: readonly StorageFault[];
}
