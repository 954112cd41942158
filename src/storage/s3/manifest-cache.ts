import fs from "node:fs";
import { errorMessage, UsageError } from "../../errors.js";
import { makeDirectory } from "../../make-directory.js";
import type { Digest } from "../../registry/digest.js";
import { CacheSegment, listSegments, removeUseless, writeSegment } from "./cache-segment.js";
import type { CacheEntry } from "./cache-segment.js";
import type { KnownManifest, KnownManifests } from "./read-manifests.js";

/** Entries that are held in memory before they become a segment. */
const SEGMENT_ENTRIES = 100_000;
/** Segments from which on they are joined: each run adds one, if it has read anything new. */
const MOST_SEGMENTS = 16;
/** Bytes of all segments: about a million manifests. The oldest segments go first. */
const MOST_BYTES = 512 * 1024 ** 2;

/**
 * Parsed manifests that earlier runs have verified, by digest: a manifest never changes, so it needs no other key, and one directory
 * may serve any number of registries and processes. Whatever is damaged is not there.
 *
 * What comes from here was not read again in this run: a manifest's blob of the right size whose content is wrong shows on a run
 * without the cache, or with `--verify`.
 */
export class ManifestCache implements KnownManifests {
  #segments: CacheSegment[];
  #added = new Map<string, KnownManifest>();

  private constructor(
    private readonly directory: string,
    segments: CacheSegment[],
  ) {
    this.#segments = segments;
  }

  /** Opens the cache in a directory, which is made if need be. Throws a `UsageError`. */
  static open(directory: string): ManifestCache {
    try {
      makeDirectory(directory);
      fs.accessSync(directory, fs.constants.R_OK | fs.constants.W_OK);
      return new ManifestCache(directory, openSegments(directory));
    } catch (error) {
      throw new UsageError(`--cache ${directory}: ${errorMessage(error)}`);
    }
  }

  get({ algorithm, hex }: Digest, bytes: number): Uint32Array | undefined {
    if (algorithm !== "sha256") return undefined;
    const digest = Buffer.from(hex, "hex");
    for (const segment of this.#segments) {
      const manifest = segment.get(digest);
      if (manifest !== undefined) return manifest.bytes === bytes ? manifest.words : undefined;
    }
    return undefined;
  }

  /** Takes a manifest that was read and verified. Manifests with another digest than sha256 do not occur in a registry. */
  add({ algorithm, hex }: Digest, manifest: KnownManifest): void {
    if (algorithm !== "sha256") return;
    this.#added.set(hex, manifest);
    if (this.#added.size >= SEGMENT_ENTRIES) this.#flush();
  }

  /** Writes what is new, and keeps the directory within its bounds. Throws when it cannot be written: all else is well. */
  close(): void {
    this.#flush();
    if (this.#segments.length >= MOST_SEGMENTS) this.#join();
    let bytes = 0;
    for (const segment of this.#segments) {
      bytes += segment.bytes;
      if (bytes > MOST_BYTES) fs.rmSync(segment.file, { force: true });
      segment.close();
    }
    this.#segments = [];
  }

  #flush(): void {
    if (this.#added.size === 0) return;
    const entries = Array.from(this.#added, ([hex, manifest]) => ({ digest: Buffer.from(hex, "hex"), ...manifest }));
    this.#added = new Map();
    this.#segments.unshift(...this.#write(entries));
  }

  /** Makes one segment of all. Another process may do the same at this moment: then there are two with the same entries, for a while. */
  #join(): void {
    const before = this.#segments;
    const entries = new Map<string, CacheEntry>();
    for (const segment of before) {
      for (const entry of segment.entries()) {
        const key = entry.digest.toString("latin1");
        if (!entries.has(key)) entries.set(key, entry);
      }
    }
    this.#segments = this.#write([...entries.values()]);
    for (const segment of before) {
      segment.close();
      fs.rmSync(segment.file, { force: true });
    }
  }

  #write(entries: CacheEntry[]): CacheSegment[] {
    entries.sort((a, b) => Buffer.compare(a.digest, b.digest));
    const segment = CacheSegment.open(writeSegment(this.directory, entries));
    return segment === undefined ? [] : [segment];
  }
}

function openSegments(directory: string): CacheSegment[] {
  const segments: CacheSegment[] = [];
  for (const file of listSegments(directory)) {
    const segment = CacheSegment.open(file);
    if (segment === undefined) removeUseless(file);
    else segments.push(segment);
  }
  return segments;
}
