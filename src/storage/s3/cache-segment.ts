import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { replaceFile } from "../../durable-files.js";
import {
  CHECKSUM_BYTES,
  FOOTER_BYTES,
  locate,
  MAGIC,
  MAGIC_OF_ALL_VERSIONS,
  parseFooter,
  SegmentWriter,
} from "./cache-format.js";
import type { CacheEntry, CacheRecords, SegmentFooter } from "./cache-format.js";

const SUFFIX = ".manifests";
/** The directory may be anything that an operator names: nothing but what is clearly ours is opened, or removed. */
const NAME = /^regcheck-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.manifests(?:\.[0-9a-f-]{36}\.tmp)?$/;
/** Milliseconds after which nobody writes to an unfinished segment any more. */
const ABANDONED = 24 * 60 * 60 * 1000;
/** The same of a segment of another version: a host that has that version may still be using it. */
const OUTDATED = 30 * ABANDONED;

/**
 * Removes a segment that is damaged, or of another version and old; a file that never was one stays. Returns false where it is one of another
 * version that may be in use.
 */
export function removeUseless(file: string): boolean {
  const begin = Buffer.alloc(MAGIC.length);
  try {
    const descriptor = fs.openSync(file, "r");
    const length = fs.readSync(descriptor, begin);
    const isOld = fs.fstatSync(descriptor).mtimeMs < Date.now() - OUTDATED;
    fs.closeSync(descriptor);
    const isOwn = begin.equals(MAGIC);
    const isOther = !isOwn && begin.subarray(0, MAGIC_OF_ALL_VERSIONS.length).equals(MAGIC_OF_ALL_VERSIONS);
    // Empty after a crash of the machine.
    if (length === 0 || isOwn || (isOther && isOld)) fs.rmSync(file);
    return !isOther || isOld;
  } catch {
    // Gone, or not ours to remove.
    return true;
  }
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

/** A segment that is open for reading: where its blocks are is in memory, the blocks are not. */
export class CacheSegment {
  private constructor(
    readonly file: string,
    readonly bytes: number,
    private readonly descriptor: number,
    private readonly footer: SegmentFooter,
  ) {}

  /**
   * Opens a segment; undefined when it is damaged, of another version, gone, or cannot be read. `onUseless` is called where it was read, and
   * is none.
   */
  static open(file: string, onUseless: () => void = () => {}): CacheSegment | undefined {
    let descriptor: number | undefined;
    try {
      descriptor = fs.openSync(file, "r");
      const { size } = fs.fstatSync(descriptor);
      const head = readAt(descriptor, 0, MAGIC.length);
      const tail = size < FOOTER_BYTES ? undefined : readAt(descriptor, size - FOOTER_BYTES, FOOTER_BYTES);
      const opened = descriptor;
      const footer =
        head?.equals(MAGIC) === true && tail !== undefined
          ? parseFooter(tail, size, (offset, length) => readAt(opened, offset, length))
          : undefined;
      if (footer !== undefined) return new CacheSegment(file, size, descriptor, footer);
      onUseless();
    } catch {
      // Of no use, whatever it is: what it held is read from the bucket again.
    }
    if (descriptor !== undefined) fs.closeSync(descriptor);
    return undefined;
  }

  /** Number of entries. */
  get count(): number {
    return this.footer.entries;
  }

  get blocks(): number {
    return this.footer.blocks;
  }

  /** The block in which a digest, whose key is given as well, may be; undefined where it is in none. */
  blockOf(digest: Buffer, key: number): number | undefined {
    const [first, last] = this.footer.keys;
    return key < first || key > last ? undefined : locate(this.footer, digest, key);
  }

  /** The entries of a block, in the order of their digests; undefined when they are not what was written. */
  block(number: number): CacheRecords | undefined {
    const { offset, length } = this.footer.place(number);
    const content = readAt(this.descriptor, offset, length);
    return content && this.footer.open(content);
  }

  close(): void {
    fs.closeSync(this.descriptor);
  }
}

/**
 * Writes a segment and gives it its name at the end. `write` adds entries in the order of their digests, each once.
 */
export function writeSegment(directory: string, write: (segment: SegmentWriter) => void): string {
  const file = path.join(directory, `regcheck-${crypto.randomUUID()}${SUFFIX}`);
  replaceFile(file, (descriptor) => {
    fs.fchmodSync(descriptor, 0o600);
    const segment = new SegmentWriter((content) => fs.writeFileSync(descriptor, content));
    write(segment);
    segment.end();
  });
  return file;
}

/** Writes a segment of entries in memory, in whichever order. */
export function writeEntries(directory: string, entries: readonly CacheEntry[]): string {
  const sorted = entries.toSorted((a, b) => Buffer.compare(a.digest, b.digest));
  return writeSegment(directory, (segment) => {
    for (const entry of sorted) segment.add(entry);
  });
}

/** Reads exactly so many bytes; undefined where the file ends before. */
function readAt(descriptor: number, offset: number, length: number): Buffer | undefined {
  if (length < CHECKSUM_BYTES) return undefined;
  const buffer = Buffer.allocUnsafe(length);
  return fs.readSync(descriptor, buffer, 0, length, offset) === length ? buffer : undefined;
}
