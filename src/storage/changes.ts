import type { DigestAlgorithm } from "../registry/digest.js";
import type { StorageRequests } from "./requests.js";

/** What became of one object of a batch. */
export interface ChangeOutcome {
  readonly path: string;
  /** `absent`: it was gone already, which is no failure: somebody else, or an earlier run, has done it. */
  readonly status: "done" | "absent" | "failed";
  /** Why it failed. */
  readonly cause?: string | undefined;
  /** S3, versioned bucket: the version id of the delete marker that now hides the object. */
  readonly deleteMarker?: string | undefined;
  /** A move: what was at `to` already. The same content makes it `done`, and the original is gone; any other makes it `failed`. */
  readonly found?: "same" | "other" | undefined;
  /** A move that is done: the size of what is at `to` now, where the storage has told it. */
  readonly bytes?: number | undefined;
}

/** The same, of an object that is known. */
export type OutcomeOfOne = Omit<ChangeOutcome, "path">;

/** What became of an object that was to go only if it had a certain content. `changed`: it has another one, and is as it was. */
export type RemovedIfSame =
  | { readonly status: "done" | "absent" | "changed" }
  | { readonly status: "failed"; readonly cause: string };

/** What hides an object in a bucket that keeps versions. */
export interface Hiding {
  /** The delete markers above the newest version of the content, newest first; none where that is what is seen, or there is nothing. */
  readonly markers: readonly string[];
  /** When the content below them was written, in seconds since 1970; undefined where there is none. */
  readonly written: number | undefined;
  /** The size of that content, where the bucket has told it. */
  readonly bytes?: number | undefined;
}

/** What became of objects and their directories. */
export interface RemovedWithDirectories {
  readonly outcomes: readonly ChangeOutcome[];
  /** Directories that are still there. */
  readonly left: readonly string[];
}

/** An object as a listing shows it. */
export interface StoredObject {
  readonly path: string;
  readonly bytes: number;
  /** Seconds since 1970. */
  readonly modified: number;
}

/** An object that is to be somewhere else. */
export interface Move {
  readonly from: string;
  readonly to: string;
}

/** A directory that was to go and stays, and why. */
export interface Standing {
  readonly directory: string;
  /** In a few words: `it holds <path>`, or why it cannot be removed. */
  readonly cause: string;
}

/**
 * Whether the objects of a batch go one after the other, or as many at a time as the storage takes. In a bucket the order of a batch is
 * never known.
 */
export type Order = "in order" | "any order";

/**
 * Changes to a storage: the sweep and its kin are the only callers. Paths are relative to the storage root, as in `storage.ts`.
 *
 * Batches are of any size, and go in order unless it is said that any order will do; outcomes come in the order of what was asked for.
 * One object's failure is an outcome, never thrown, and stops no other object of the batch. Nothing follows a symbolic link below the
 * root; nothing but `replace` overwrites an object.
 */
export interface StorageChanges {
  readonly requests: Readonly<StorageRequests>;
  /** Whether what is read goes over the network: a content of gigabytes is not read to make sure of something. */
  readonly isRemote: boolean;
  /** Whether deleting leaves older versions behind that can be brought back: an S3 bucket with versioning on. */
  keepsVersions(): Promise<boolean>;
  /** Whether there may be older versions, of now or of a time before that was suspended. */
  mayHaveVersions(): Promise<boolean>;
  /** Removes objects. On a filesystem their directories stay: `pruneDirectories` is for these. */
  remove(paths: readonly string[], order?: Order): Promise<readonly ChangeOutcome[]>;
  /**
   * Removes objects in any order, each with the directory that it was alone in: what is there besides keeps its directory, of which
   * `pruneDirectories` says why. Nothing but `remove` on S3.
   */
  removeWithDirectories(paths: readonly string[]): Promise<RemovedWithDirectories>;
  /**
   * Removes an object of regcheck's own if it has the content that is expected, and never one that was stored after it; a storage that keeps
   * versions keeps none of it, as far as it lets them go.
   */
  removeForGood(path: string, expected: Uint8Array): Promise<RemovedIfSame>;
  /** Undoes `remove` on a storage that keeps versions: takes delete markers away. */
  unhide(markers: readonly { readonly path: string; readonly deleteMarker: string }[]): Promise<readonly ChangeOutcome[]>;
  /** For each object what hides it now, on a storage that keeps versions. Throws an `OperatorError`. */
  hiding(paths: readonly string[]): Promise<readonly Hiding[]>;
  /** Why nothing can be moved into a directory, with the path; undefined where it can. Makes nothing. */
  cannotMoveTo(directory: string): Promise<string | undefined>;
  /** Why nothing can be made in a directory, as far as looking tells; undefined where it can. Makes nothing. */
  cannotWriteTo(directory: string): Promise<string | undefined>;
  /** Moves objects; makes what directories it needs. `failed` if there is something else at `to` already. */
  move(moves: readonly Move[], order?: Order): Promise<readonly ChangeOutcome[]>;
  /**
   * Makes an object, whole and durable, only if there is none: `exists` otherwise. `modified` is the time of its last change from then on, in
   * seconds since 1970, if not the present; on S3 it cannot be chosen. Throws an `OperatorError` when the storage refuses.
   */
  create(path: string, content: Uint8Array, modified?: number): Promise<"created" | "exists">;
  /**
   * Stores an object of regcheck's own, whole and durable, under a name that nobody else has: one request, where `create` asks several to be
   * alone. Throws as `create` does.
   */
  store(path: string, content: Uint8Array): Promise<void>;
  /**
   * Gives an object another content, whole and durable, only if it has the one that is expected: `changed` otherwise. The one verb that
   * takes the place of content, which the caller has therefore kept. `modified` is as for `create`, and it throws as that does.
   */
  replace(path: string, expected: Uint8Array, content: Uint8Array, modified?: number): Promise<"replaced" | "changed" | "absent">;
  /** The object without its content; undefined where there is none, a directory included. Throws as `read` does. */
  stat(path: string): Promise<StoredObject | undefined>;
  /** The content, or undefined where there is no such object. Throws an `OperatorError` that names the path when it cannot be read. */
  read(path: string): Promise<Uint8Array | undefined>;
  /** The hash of the content as hex, read as a stream; undefined where there is no such object. Throws as `read` does. */
  digest(path: string, algorithm: DigestAlgorithm): Promise<string | undefined>;
  /** All objects below a directory, in no order. Throws an `OperatorError` when it cannot be listed to the end. */
  list(directory: string): AsyncIterable<StoredObject>;
  /** Removes those of the directories below which there is no file; returns the others, which stay as they are. Nothing to do on S3. */
  pruneDirectories(directories: readonly string[], order?: Order): Promise<readonly Standing[]>;
  /** Those of the directories, and of the ones below them, that hold nothing at all. None on S3. Throws an `OperatorError`. */
  emptyDirectories(directories: readonly string[]): Promise<readonly string[]>;
  /** Makes a directory, with what it needs above it. Returns whether there was none. Nothing to do on S3. Throws an `OperatorError`. */
  makeDirectory(directory: string): Promise<boolean>;
  /**
   * Lets time pass, where what is written gets the present time and must not look as old as something else: not on a filesystem, where the
   * time can be chosen, nor where changes are pretended. Throws the signal's reason.
   */
  pass(milliseconds: number, signal: AbortSignal): Promise<void>;
  /** Makes what was removed and moved so far survive a power cut. Throws an `OperatorError`. Nothing to do on S3. */
  settle(): Promise<void>;
  close(): Promise<void>;
  /** Ends unfinished S3 multipart uploads: a request each, for S3 has none that ends several. */
  abortMultipartUploads(
    uploads: readonly { readonly path: string; readonly uploadId: string }[],
  ): Promise<readonly ChangeOutcome[]>;
}

/** The part of a storage's changes that changes nothing. */
export type StorageLook = Pick<
  StorageChanges,
  | "cannotMoveTo"
  | "cannotWriteTo"
  | "close"
  | "digest"
  | "emptyDirectories"
  | "hiding"
  | "keepsVersions"
  | "list"
  | "mayHaveVersions"
  | "read"
  | "requests"
  | "stat"
>;
