import fs from "node:fs";
import { withTemporaryFiles } from "../../../temporary-directory.js";
import type { ListedObject } from "../page.js";

/** Bytes of a bucket's rows that are written at a time. */
const CHUNK_BYTES = 64 * 1024;
/** A row's head: length of the key, of the ETag, time, size, and whether it is archived. */
const HEAD_BYTES = 2 + 2 + 4 + 8 + 1;

/** A row of the inventory. */
interface Row {
  readonly key: Uint8Array;
  readonly etag: Uint8Array;
  readonly size: number;
  readonly modified: number;
  readonly isArchived: boolean;
}

/** Rows of one bucket that are not written yet. */
interface Chunk {
  readonly bytes: Buffer;
  used: number;
}

/** Where written rows lie in the file. */
interface Piece {
  readonly at: number;
  readonly bytes: number;
}

/**
 * Rows that wait on the disk for others that belong with them: an inventory is in no order, and a repository is judged as a whole. Each row
 * goes into one of the buckets; a bucket's rows are read together. Memory: a chunk for each bucket, and one bucket while it is read.
 */
export class RowSpill {
  readonly #chunks: Chunk[];
  readonly #pieces: Piece[][];

  constructor(
    private readonly file: SpillFile,
    /** How many buckets there are. */
    readonly buckets: number,
  ) {
    this.#chunks = Array.from({ length: buckets }, () => ({ bytes: Buffer.allocUnsafe(CHUNK_BYTES), used: 0 }));
    this.#pieces = Array.from({ length: buckets }, () => []);
  }

  add(bucket: number, { key, etag, size, modified, isArchived }: Row): void {
    const chunk = this.#chunks[bucket];
    if (chunk === undefined) throw new RangeError(`there is no bucket ${bucket}`);
    const length = HEAD_BYTES + key.length + etag.length;
    if (chunk.used + length > CHUNK_BYTES) this.#write(bucket, chunk);
    const { bytes, used } = chunk;
    bytes.writeUInt16LE(key.length, used);
    bytes.writeUInt16LE(etag.length, used + 2);
    bytes.writeUInt32LE(modified, used + 4);
    bytes.writeDoubleLE(size, used + 8);
    bytes.writeUInt8(isArchived ? 1 : 0, used + 16);
    bytes.set(key, used + HEAD_BYTES);
    bytes.set(etag, used + HEAD_BYTES + key.length);
    chunk.used += length;
  }

  /** The rows of a bucket, in the order of their keys. */
  read(bucket: number): ListedObject[] {
    const chunk = this.#chunks[bucket];
    const objects: ListedObject[] = [];
    for (const { at, bytes } of this.#pieces[bucket] ?? []) readRows(this.file.read(at, bytes), objects);
    if (chunk !== undefined) readRows(chunk.bytes.subarray(0, chunk.used), objects);
    return objects.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  }

  #write(bucket: number, chunk: Chunk): void {
    this.#pieces[bucket]?.push({ at: this.file.append(chunk.bytes.subarray(0, chunk.used)), bytes: chunk.used });
    chunk.used = 0;
  }
}

function readRows(bytes: Buffer, objects: ListedObject[]): void {
  for (let at = 0; at < bytes.length;) {
    const keyEnd = at + HEAD_BYTES + bytes.readUInt16LE(at);
    const end = keyEnd + bytes.readUInt16LE(at + 2);
    objects.push({
      key: bytes.toString("utf8", at + HEAD_BYTES, keyEnd),
      size: bytes.readDoubleLE(at + 8),
      etag: bytes.toString("latin1", keyEnd, end),
      modified: bytes.readUInt32LE(at + 4),
      ...(bytes.readUInt8(at + 16) === 1 ? { isArchived: true } : {}),
    });
    at = end;
  }
}

/** A temporary file that is appended to, and read at any place: it has no name any more, so that it is gone with the process. */
export class SpillFile {
  readonly #descriptor: number;
  #end = 0;

  constructor(name: string) {
    this.#descriptor = withTemporaryFiles(() => fs.openSync(name, "wx+", 0o600));
    fs.unlinkSync(name);
  }

  /** Returns where the bytes lie. */
  append(bytes: Uint8Array): number {
    const at = this.#end;
    withTemporaryFiles(() => {
      for (let written = 0; written < bytes.length;)
        written += fs.writeSync(this.#descriptor, bytes, written, bytes.length - written, at + written);
    });
    this.#end += bytes.length;
    return at;
  }

  read(at: number, length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    const read = withTemporaryFiles(() => fs.readSync(this.#descriptor, bytes, 0, length, at));
    if (read !== length) throw new Error("a temporary file ends before its time");
    return bytes;
  }

  close(): void {
    fs.closeSync(this.#descriptor);
  }
}
