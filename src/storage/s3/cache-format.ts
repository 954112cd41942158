import crypto from "node:crypto";
import os from "node:os";
import { isAt } from "./is-at.js";
import type { KnownManifest } from "./read-manifests.js";

/**
 * A file of the manifest cache. It is written once, under a name of its own, and never changed, so that any number of processes may
 * read and write one directory. It is written from its beginning to its end and read in the same way, so that neither takes memory for
 * what it holds. Numbers are 32 bits, little-endian:
 *
 *     magic (16 bytes)
 *     blocks of up to 8 entries, sorted by digest: checksum (8 bytes), then for each entry:
 *         digest (32 bytes), bytes of the manifest, number of its words, packed references (`registry/packed-manifest.ts`)
 *     for each block: the first 8 bytes of its first digest, its offset (low word, high word), the last 2 bytes of each of its digests
 *     footer: magic, number of entries, number of blocks, where the blocks end (low word, high word), the first 8 bytes of the last digest,
 *         checksum of all behind the blocks (32 bytes)
 *
 * The magic changes whenever the packed form does, or what the parser of manifests takes out of them.
 */
export const MAGIC = Buffer.from("regcheck-refs-7\n");
export const MAGIC_OF_ALL_VERSIONS = Buffer.from("regcheck-refs-");
export const CHECKSUM_BYTES = 8;
const DIGEST_BYTES = 32;
/** Of a record before its words. */
const RECORD_HEAD = DIGEST_BYTES + 8;
/** 32 bytes of memory for each block, 400 MB for 100 million manifests; a block is some 2.5 KB to read and to verify. */
const BLOCK_ENTRIES = 8;
const PREFIX_BYTES = 8;
const PLACE_BYTES = PREFIX_BYTES + 8 + 2 * BLOCK_ENTRIES;
const FOOTER_HEAD = MAGIC.length + 16 + PREFIX_BYTES;
export const FOOTER_BYTES = FOOTER_HEAD + 32;
/** Digests are told apart by their first 6 bytes, as a number, before they are compared. */
const KEY_BYTES = 6;
/** Content that is collected before it is written, in bytes. */
const WRITE_BYTES = 1 << 20;

/** What is kept of a manifest. */
export interface CacheEntry extends KnownManifest {
  readonly digest: Buffer;
}

/** Writes a segment. Entries come in the order of their digests, each once. */
export class SegmentWriter {
  #pending = Buffer.alloc(2 * WRITE_BYTES);
  #length = 0;
  /** Where the open block begins among what is pending. */
  #block = 0;
  #inBlock = 0;
  /** Bytes that were written. */
  #written = 0;
  #entries = 0;
  readonly #places: Buffer[] = [];
  #place = Buffer.alloc(PLACE_BYTES);
  readonly #last = Buffer.alloc(PREFIX_BYTES);

  constructor(private readonly write: (content: Buffer) => void) {
    MAGIC.copy(this.#room(MAGIC.length));
  }

  /** Bytes so far. */
  get bytes(): number {
    return this.#written + this.#length;
  }

  get entries(): number {
    return this.#entries;
  }

  add({ digest, bytes, words }: CacheEntry): void {
    const record = this.#open(digest, RECORD_HEAD + words.length * 4);
    digest.copy(record);
    record.writeUInt32LE(bytes, DIGEST_BYTES);
    record.writeUInt32LE(words.length, DIGEST_BYTES + 4);
    for (let i = 0; i < words.length; i++) record.writeUInt32LE(words[i] ?? 0, RECORD_HEAD + i * 4);
    this.#close();
  }

  /** Adds an entry as it lies in another segment. */
  addRecord(record: Buffer): void {
    record.copy(this.#open(record, record.length));
    this.#close();
  }

  /** Writes what is left. No entry can be added any more. */
  end(): void {
    this.#endBlock();
    const blocksEnd = this.bytes;
    const places = Buffer.concat(this.#places);
    const footer = Buffer.alloc(FOOTER_BYTES);
    MAGIC.copy(footer);
    footer.writeUInt32LE(this.#entries, MAGIC.length);
    footer.writeUInt32LE(this.#places.length, MAGIC.length + 4);
    writeOffset(footer, MAGIC.length + 8, blocksEnd);
    this.#last.copy(footer, FOOTER_HEAD - PREFIX_BYTES);
    sha256([places, footer.subarray(0, FOOTER_HEAD)]).copy(footer, FOOTER_HEAD);
    this.#flush();
    this.write(places);
    this.write(footer);
  }

  /** Room for one record, in a block that has room for it. */
  #open(digest: Buffer, length: number): Buffer {
    if (this.#inBlock === BLOCK_ENTRIES) this.#endBlock();
    if (this.#inBlock === 0) this.#beginBlock(digest);
    digest.copy(this.#last, 0, 0, PREFIX_BYTES);
    digest.copy(this.#place, PREFIX_BYTES + 8 + 2 * this.#inBlock, DIGEST_BYTES - 2, DIGEST_BYTES);
    return this.#room(length);
  }

  #close(): void {
    this.#inBlock++;
    this.#entries++;
  }

  #beginBlock(digest: Buffer): void {
    if (this.#length >= WRITE_BYTES) this.#flush();
    this.#block = this.#length;
    this.#place = Buffer.alloc(PLACE_BYTES);
    digest.copy(this.#place, 0, 0, PREFIX_BYTES);
    writeOffset(this.#place, PREFIX_BYTES, this.bytes);
    this.#places.push(this.#place);
    this.#room(CHECKSUM_BYTES);
  }

  #endBlock(): void {
    if (this.#inBlock === 0) return;
    const records = this.#pending.subarray(this.#block + CHECKSUM_BYTES, this.#length);
    checksumOf(records).copy(this.#pending, this.#block);
    this.#inBlock = 0;
  }

  #room(length: number): Buffer {
    if (this.#length + length > this.#pending.length) {
      const larger = Buffer.alloc(2 * (this.#length + length));
      this.#pending.copy(larger, 0, 0, this.#length);
      this.#pending = larger;
    }
    const room = this.#pending.subarray(this.#length, this.#length + length);
    this.#length += length;
    return room;
  }

  #flush(): void {
    this.write(this.#pending.subarray(0, this.#length));
    this.#written += this.#length;
    this.#length = 0;
  }
}

/** Where the blocks of a segment are. */
export class SegmentFooter {
  constructor(
    readonly entries: number,
    readonly blocks: number,
    private readonly end: number,
    readonly places: Buffer,
    /** The keys of the first and the last digest. */
    readonly keys: readonly [number, number],
  ) {}

  place(block: number): { readonly offset: number; readonly length: number } {
    const offset = readOffset(this.places, block * PLACE_BYTES + PREFIX_BYTES);
    const end = block + 1 < this.blocks ? readOffset(this.places, (block + 1) * PLACE_BYTES + PREFIX_BYTES) : this.end;
    return { offset, length: end - offset };
  }

  /** The records of a block; undefined where they are not what was written. */
  open(content: Buffer): CacheRecords | undefined {
    const records = content.subarray(CHECKSUM_BYTES);
    return checksumOf(records).equals(content.subarray(0, CHECKSUM_BYTES)) ? new CacheRecords(records) : undefined;
  }
}

/** Reads what is behind the blocks; undefined where it is not what was written. `tail` is the last of the `size` bytes. */
export function parseFooter(
  tail: Buffer,
  size: number,
  read: (offset: number, length: number) => Buffer | undefined,
): SegmentFooter | undefined {
  const blocks = tail.readUInt32LE(MAGIC.length + 4);
  const end = readOffset(tail, MAGIC.length + 8);
  if (!tail.subarray(0, MAGIC.length).equals(MAGIC) || end + blocks * PLACE_BYTES + FOOTER_BYTES !== size) return undefined;
  const places = blocks === 0 ? Buffer.alloc(0) : read(end, blocks * PLACE_BYTES);
  if (places === undefined || !sha256([places, tail.subarray(0, FOOTER_HEAD)]).equals(tail.subarray(FOOTER_HEAD)))
    return undefined;
  const keys = [blocks === 0 ? 0 : keyOf(places), keyOf(tail, FOOTER_HEAD - PREFIX_BYTES)] as const;
  return new SegmentFooter(tail.readUInt32LE(MAGIC.length), blocks, end, places, keys);
}

/** The first bytes of the digest at `at`, as a number: digests are in the order of their keys. */
export function keyOf(digest: Buffer, at = 0): number {
  return digest.readUIntBE(at, KEY_BYTES);
}

/**
 * The block in which a digest is, if it is in any: one of about 8,000 that are not is taken to be, and looked for. Where the first 8 bytes of
 * two digests are the same, one of them may not be found: it is read from the bucket.
 */
export function locate({ places, blocks }: SegmentFooter, digest: Buffer, key: number): number | undefined {
  let low = 0;
  let high = blocks;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const at = middle * PLACE_BYTES;
    const first = keyOf(places, at);
    const isBefore = first === key ? places.compare(digest, 0, PREFIX_BYTES, at, at + PREFIX_BYTES) <= 0 : first < key;
    if (isBefore) low = middle + 1;
    else high = middle;
  }
  if (low === 0) return undefined;
  const ends = (low - 1) * PLACE_BYTES + PREFIX_BYTES + 8;
  for (let i = 0; i < BLOCK_ENTRIES; i++) {
    const at = ends + 2 * i;
    if (places[at] === digest[DIGEST_BYTES - 2] && places[at + 1] === digest[DIGEST_BYTES - 1]) return low - 1;
  }
  return undefined;
}

/** The entries of one block. */
export class CacheRecords {
  constructor(private readonly records: Buffer) {}

  /** Bytes of the record at `at`, which is where one begins. */
  lengthAt(at: number): number {
    return RECORD_HEAD + this.records.readUInt32LE(at + DIGEST_BYTES + 4) * 4;
  }

  get length(): number {
    return this.records.length;
  }

  /** The record at `at`, whose first bytes are its digest. */
  recordAt(at: number): Buffer {
    return this.records.subarray(at, at + this.lengthAt(at));
  }

  find(digest: Buffer): KnownManifest | undefined {
    for (let at = 0; at < this.length; at += this.lengthAt(at)) {
      if (isAt(this.records, at, digest)) return knownIn(this.recordAt(at));
    }
    return undefined;
  }
}

function knownIn(record: Buffer): KnownManifest {
  const words = new Uint32Array((record.length - RECORD_HEAD) / 4);
  const bytes = Buffer.from(words.buffer);
  record.copy(bytes, 0, RECORD_HEAD);
  if (os.endianness() === "BE") bytes.swap32();
  return { bytes: record.readUInt32LE(DIGEST_BYTES), words };
}

function writeOffset(buffer: Buffer, at: number, offset: number): void {
  buffer.writeUInt32LE(offset % 2 ** 32, at);
  buffer.writeUInt32LE(Math.floor(offset / 2 ** 32), at + 4);
}

function readOffset(buffer: Buffer, at: number): number {
  return buffer.readUInt32LE(at) + buffer.readUInt32LE(at + 4) * 2 ** 32;
}

function checksumOf(records: Buffer): Buffer {
  return crypto.hash("sha256", records, "buffer").subarray(0, CHECKSUM_BYTES);
}

function sha256(parts: readonly Buffer[]): Buffer {
  const hash = crypto.createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
}
