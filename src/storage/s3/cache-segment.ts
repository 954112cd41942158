import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { replaceFile } from "../../durable-files.js";
import type { KnownManifest } from "./read-manifests.js";

/**
 * A file of the manifest cache. It is written once, under a name of its own, and never changed, so that any number of processes may
 * read and write one directory. Numbers are 32 bits, little-endian:
 *
 *     magic (16 bytes), checksum of the index (32 bytes), number of entries
 *     index, sorted by digest: digest (32 bytes), bytes of the manifest, offset of the entry in bytes from the file's start / 4,
 *         length of its words
 *     entries: checksum (8 bytes), packed references (`registry/packed-manifest.ts`)
 *
 * The magic changes whenever the packed form does, or what the parser of manifests takes out of them.
 */
const MAGIC = Buffer.from("regcheck-refs-5\n");
const MAGIC_OF_ALL_VERSIONS = Buffer.from("regcheck-refs-");
const HEADER_BYTES = MAGIC.length + 32 + 4;
const INDEX_BYTES = 44;
const CHECKSUM_BYTES = 8;
/** Some 300 bytes each. */
const ENTRIES_PER_WRITE = 4096;
const SUFFIX = ".manifests";
/** The directory may be anything that an operator names: nothing but what is clearly ours is opened, or removed. */
const NAME = /^regcheck-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.manifests(?:\.[0-9a-f-]{36}\.tmp)?$/;
/** Milliseconds after which nobody writes to an unfinished segment any more. */
const ABANDONED = 24 * 60 * 60 * 1000;

/** Removes a segment that is damaged or of another version; a file that never was one stays. */
export function removeUseless(file: string): void {
  const begin = Buffer.alloc(MAGIC_OF_ALL_VERSIONS.length);
  try {
    const descriptor = fs.openSync(file, "r");
    const length = fs.readSync(descriptor, begin);
    fs.closeSync(descriptor);
    // Empty after a crash of the machine.
    if (length === 0 || begin.equals(MAGIC_OF_ALL_VERSIONS)) fs.rmSync(file);
  } catch {
    // Gone, or not ours to remove.
  }
}

/** What is kept of a manifest. */
export interface CacheEntry extends KnownManifest {
  readonly digest: Buffer;
}

/** The segments of a directory, newest first. Those that a process left unfinished are removed. */
export function listSegments(directory: string): string[] {
  const names = fs.readdirSync(directory).filter((name) => NAME.test(name));
  const dated = names.flatMap((name) => {
    const file = path.join(directory, name);
    const status = fs.lstatSync(file, { throwIfNoEntry: false });
    return status?.isFile() === true ? [{ file, modified: status.mtimeMs }] : [];
  });
  for (const { file, modified } of dated) {
    if (!file.endsWith(SUFFIX) && modified < Date.now() - ABANDONED) fs.rmSync(file, { force: true });
  }
  const segments = dated.filter(({ file }) => file.endsWith(SUFFIX));
  return segments.sort((a, b) => b.modified - a.modified).map(({ file }) => file);
}

/** An entry as it was read. */
interface StoredEntry extends CacheEntry {
  readonly words: Uint32Array;
}

/** A segment that is open for reading: its index is in memory, its entries are not. */
export class CacheSegment {
  private constructor(
    readonly file: string,
    readonly bytes: number,
    private readonly descriptor: number,
    private readonly index: Buffer,
  ) {}

  /** Opens a segment; undefined when it is damaged, of another version, or gone. */
  static open(file: string): CacheSegment | undefined {
    let descriptor: number | undefined;
    try {
      descriptor = fs.openSync(file, "r");
      const { size } = fs.fstatSync(descriptor);
      const header = readAt(descriptor, 0, HEADER_BYTES);
      const count = header?.readUInt32LE(HEADER_BYTES - 4) ?? 0;
      const index = header && count * INDEX_BYTES <= size ? readAt(descriptor, HEADER_BYTES, count * INDEX_BYTES) : undefined;
      if (header !== undefined && index !== undefined && header.subarray(0, MAGIC.length).equals(MAGIC)) {
        if (header.subarray(MAGIC.length, MAGIC.length + 32).equals(sha256(index)))
          return new CacheSegment(file, size, descriptor, index);
      }
    } catch {
      // Of no use, whatever it is: what it held is read from the bucket again.
    }
    if (descriptor !== undefined) fs.closeSync(descriptor);
    return undefined;
  }

  get count(): number {
    return this.index.length / INDEX_BYTES;
  }

  /** What is kept of a digest; undefined when it is not here, or not what was written. */
  get(digest: Buffer): StoredEntry | undefined {
    const position = this.#find(digest);
    return position === undefined ? undefined : this.#read(position);
  }

  /** All entries that are sound. */
  *entries(): Generator<StoredEntry> {
    for (let i = 0; i < this.count; i++) {
      const entry = this.#read(i);
      if (entry !== undefined) yield entry;
    }
  }

  close(): void {
    fs.closeSync(this.descriptor);
  }

  #find(digest: Buffer): number | undefined {
    let low = 0;
    let high = this.count - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const at = middle * INDEX_BYTES;
      const order = this.index.compare(digest, 0, 32, at, at + 32);
      if (order === 0) return middle;
      if (order < 0) low = middle + 1;
      else high = middle - 1;
    }
    return undefined;
  }

  #read(position: number): StoredEntry | undefined {
    const at = position * INDEX_BYTES;
    const digest = this.index.subarray(at, at + 32);
    const bytes = this.index.readUInt32LE(at + 32);
    const offset = this.index.readUInt32LE(at + 36) * 4;
    const length = this.index.readUInt32LE(at + 40) * 4;
    const entry = readAt(this.descriptor, offset, CHECKSUM_BYTES + length);
    const words = entry?.subarray(CHECKSUM_BYTES);
    if (entry === undefined || words === undefined) return undefined;
    if (!entry.subarray(0, CHECKSUM_BYTES).equals(checksum(digest, words))) return undefined;
    return { digest, bytes, words: unpackWords(words) };
  }
}

/** Writes a segment and gives it its name at the end. `entries` come in the order of their digests, each once. */
export function writeSegment(directory: string, entries: readonly CacheEntry[]): string {
  const file = path.join(directory, `regcheck-${crypto.randomUUID()}${SUFFIX}`);
  const index = indexOf(entries);
  const header = Buffer.concat([MAGIC, sha256(index), Buffer.alloc(4)]);
  header.writeUInt32LE(entries.length, HEADER_BYTES - 4);
  replaceFile(file, (descriptor) => {
    fs.fchmodSync(descriptor, 0o600);
    fs.writeFileSync(descriptor, Buffer.concat([header, index]));
    for (let at = 0; at < entries.length; at += ENTRIES_PER_WRITE) {
      const packed = entries.slice(at, at + ENTRIES_PER_WRITE).flatMap(({ digest, words }) => packEntry(digest, words));
      fs.writeFileSync(descriptor, Buffer.concat(packed));
    }
  });
  return file;
}

function indexOf(entries: readonly CacheEntry[]): Buffer {
  const index = Buffer.alloc(entries.length * INDEX_BYTES);
  let offset = HEADER_BYTES + index.length;
  for (const [i, { digest, bytes, words }] of entries.entries()) {
    digest.copy(index, i * INDEX_BYTES);
    index.writeUInt32LE(bytes, i * INDEX_BYTES + 32);
    index.writeUInt32LE(offset / 4, i * INDEX_BYTES + 36);
    index.writeUInt32LE(words.length, i * INDEX_BYTES + 40);
    offset += CHECKSUM_BYTES + words.length * 4;
  }
  return index;
}

function packEntry(digest: Buffer, words: Uint32Array): readonly Buffer[] {
  const packed = packWords(words);
  return [checksum(digest, packed), packed];
}

function packWords(words: Uint32Array): Buffer {
  const packed = Buffer.alloc(words.length * 4);
  for (const [i, word] of words.entries()) packed.writeUInt32LE(word, i * 4);
  return packed;
}

function unpackWords(packed: Buffer): Uint32Array {
  const words = new Uint32Array(packed.length / 4);
  for (let i = 0; i < words.length; i++) words[i] = packed.readUInt32LE(i * 4);
  return words;
}

/** Reads exactly so many bytes; undefined where the file ends before. */
function readAt(descriptor: number, offset: number, length: number): Buffer | undefined {
  const buffer = Buffer.alloc(length);
  return fs.readSync(descriptor, buffer, 0, length, offset) === length ? buffer : undefined;
}

function sha256(content: Buffer): Buffer {
  return crypto.hash("sha256", content, "buffer");
}

function checksum(digest: Buffer, words: Buffer): Buffer {
  return sha256(Buffer.concat([digest, words])).subarray(0, CHECKSUM_BYTES);
}
