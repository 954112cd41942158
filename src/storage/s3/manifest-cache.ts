import fs from "node:fs";
import { errorMessage, UsageError } from "../../errors.js";
import { makeDirectory } from "../../make-directory.js";
import type { Digest } from "../../registry/digest.js";
import { keyOf } from "./cache-format.js";
import type { CacheEntry } from "./cache-format.js";
import { mergeSegments } from "./cache-merge.js";
import { CacheSegment, listSegments, removeUseless, writeEntries, writeSegment } from "./cache-segment.js";
import type { KnownManifest, KnownManifests } from "./read-manifests.js";
import { RecentBlocks } from "./recent-blocks.js";

/** Entries that are held in memory before they become a segment. */
const SEGMENT_ENTRIES = 100_000;
/** Small segments from which on they are joined: each run adds one, if it has read anything new. */
const MOST_SMALL = 16;
/** Bytes from which on a segment is joined with no other: what was written once is not written again and again. */
const SMALL_BYTES = 128 * 1024 ** 2;

/**
 * Parsed manifests that earlier runs have verified, by digest: a manifest never changes, so it needs no other key, and one directory
 * may serve any number of registries and processes. Whatever is damaged or cannot be read is not there.
 *
 * What comes from here was not read again in this run: a manifest's blob of the right size whose content is wrong shows on a run
 * without the cache, or with `--verify`.
 */
export class ManifestCache implements KnownManifests {
  /** Newest first. */
  #segments: CacheSegment[];
  /** Of other versions. */
  #others: readonly OtherSegment[];
  #added = new Map<string, CacheEntry>();
  /** Bytes of their words. */
  #addedBytes = 0;
  readonly #recent = new RecentBlocks();
  /** What the disk said first: from then on nothing is written. */
  #failure: Error | undefined;
  #isClosed = false;

  private constructor(
    private readonly directory: string,
    { segments, others }: OpenedSegments,
    private readonly mostBytes: number,
  ) {
    this.#segments = segments;
    this.#others = others;
  }

  /**
   * Opens the cache in a directory, which is made if need be. Whenever it has written, and when it is closed, its segments have at most
   * `mostBytes` in all: those of other versions go first, then the oldest. Throws a `UsageError`.
   */
  static open(directory: string, mostBytes = Number.POSITIVE_INFINITY): ManifestCache {
    try {
      makeDirectory(directory);
      fs.accessSync(directory, fs.constants.R_OK | fs.constants.W_OK);
      return new ManifestCache(directory, openSegments(directory), mostBytes);
    } catch (error) {
      throw new UsageError(`--cache ${directory}: ${errorMessage(error)}`);
    }
  }

  get({ algorithm, hex }: Digest, bytes: number): Uint32Array | undefined {
    if (algorithm !== "sha256") return undefined;
    const manifest = this.#find(hex);
    return manifest?.bytes === bytes ? manifest.words : undefined;
  }

  /** Whether there is an entry for the digest, as far as it can be told without the listing that says its size. */
  has({ algorithm, hex }: Digest): boolean {
    if (algorithm !== "sha256") return false;
    return this.#added.has(hex) || this.#find(hex) !== undefined;
  }

  /** Takes a manifest that was read and verified. Manifests with another digest than sha256 do not occur in a registry. */
  add({ algorithm, hex }: Digest, manifest: KnownManifest): void {
    if (algorithm !== "sha256" || this.#failure !== undefined || this.#isClosed) return;
    this.#added.set(hex, { digest: Buffer.from(hex, "hex"), ...manifest });
    this.#addedBytes += manifest.words.byteLength;
    // What is written as one goes as one.
    const isFull = this.#added.size >= SEGMENT_ENTRIES || this.#addedBytes >= this.mostBytes / 8;
    if (isFull) this.#orFailure(() => this.#flush());
  }

  /** Throws what the disk said, if it has failed: for those to whom a manifest is of no use that is not kept. */
  throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /**
   * Writes what is new, and keeps the directory within its bounds; from then on nothing is taken any more. Throws when anything of the
   * cache could not be read or written until then: all else is well.
   */
  close(): void {
    this.#isClosed = true;
    if (this.#failure === undefined) this.#orFailure(() => this.#flush());
    this.#prune();
    for (const segment of this.#segments) this.#orFailure(() => segment.close());
    this.#segments = [];
    this.throwFailure();
  }

  #orFailure<T>(act: () => T): T | undefined {
    try {
      return act();
    } catch (error) {
      this.#failure ??= error instanceof Error ? error : new Error(String(error));
      return undefined;
    }
  }

  #find(hex: string): KnownManifest | undefined {
    const digest = Buffer.from(hex, "hex");
    const key = keyOf(digest);
    for (const segment of this.#segments) {
      const manifest = this.#orFailure(() => this.#recent.find(segment, digest, key));
      if (manifest !== undefined) return manifest;
    }
    return undefined;
  }

  #flush(): void {
    if (this.#added.size === 0) return;
    const entries = [...this.#added.values()];
    this.#added = new Map();
    this.#addedBytes = 0;
    this.#take(writeEntries(this.directory, entries));
    this.#join();
    this.#prune();
  }

  /** Removes what is over the bound. */
  #prune(): void {
    let bytes = 0;
    const isWithin = (segment: { readonly bytes: number }): boolean => (bytes += segment.bytes) <= this.mostBytes;
    const kept = this.#segments.filter(isWithin);
    const keptOthers = this.#others.filter(isWithin);
    for (const segment of this.#segments.slice(kept.length)) {
      this.#orFailure(() => fs.rmSync(segment.file, { force: true }));
      this.#orFailure(() => segment.close());
    }
    for (const { file } of this.#others.slice(keptOthers.length)) this.#orFailure(() => fs.rmSync(file, { force: true }));
    this.#segments = kept;
    this.#others = keptOthers;
  }

  #take(file: string): void {
    const segment = CacheSegment.open(file);
    if (segment !== undefined) this.#segments.unshift(segment);
  }

  /**
   * Makes one segment of the small ones, when there are many. Another process may do the same at this moment: then there are two with
   * the same entries, for a while.
   */
  #join(): void {
    // What is joined goes as one: where the cache is bounded, no more than a quarter of it.
    const smallBytes = Math.min(SMALL_BYTES, this.mostBytes / 8);
    const small = this.#segments.filter((segment) => segment.bytes < smallBytes);
    if (small.length < MOST_SMALL) return;
    let bytes = 0;
    const joined = small.filter((segment) => (bytes += segment.bytes) <= 2 * smallBytes);
    const file = writeSegment(this.directory, (writer) => {
      for (const record of mergeSegments(joined)) writer.addRecord(record);
    });
    this.#segments = this.#segments.filter((segment) => !joined.includes(segment));
    this.#take(file);
    for (const segment of joined) {
      segment.close();
      fs.rmSync(segment.file, { force: true });
    }
  }
}

/** A segment that another version wrote. */
interface OtherSegment {
  readonly file: string;
  readonly bytes: number;
}

interface OpenedSegments {
  readonly segments: CacheSegment[];
  readonly others: readonly OtherSegment[];
}

function openSegments(directory: string): OpenedSegments {
  const segments: CacheSegment[] = [];
  const others: OtherSegment[] = [];
  for (const file of listSegments(directory)) {
    const segment = CacheSegment.open(file, () => {
      if (removeUseless(file)) return;
      others.push({ file, bytes: fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0 });
    });
    if (segment !== undefined) segments.push(segment);
  }
  return { segments, others };
}
