import fs from "node:fs";
import { MAX_LINK_BYTES, MAX_MANIFEST_BYTES } from "../../registry/layout.js";
import { isAbsent } from "../../system-errors.js";

/**
 * The hot loop of a check: small files, read with three system calls into a buffer that is made once. Symbolic links are not
 * followed (`O_NOFOLLOW`: the open fails with ELOOP, a fault), and a pipe in a link's place is not waited for (`O_NONBLOCK`: it
 * reads as empty, which is damage).
 */
export const READ_FLAGS = fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK;
const linkBuffer = Buffer.allocUnsafeSlow(MAX_LINK_BYTES + 1);
let manifestBuffer = Buffer.allocUnsafeSlow(64 * 1024);

/** Milliseconds until what may be in the middle of being written is read again: until 3.1 a registry empties a file before it writes it. */
export const REWRITE_TIME = 20;
const never = new Int32Array(new SharedArrayBuffer(4));

/** Gives a registry that is writing the time to come to its end: once for all that is to be read again, for there may be thousands. */
export function pauseForWriter(): void {
  Atomics.wait(never, 0, 0, REWRITE_TIME);
}

/** Reads a link into a buffer that the next call overwrites; `undefined` when there is no such file. Throws on any other error. */
export function readLink(path: string): Buffer | undefined {
  return readSmall(path, linkBuffer);
}

/** Reads a file of any size up to one byte more than a manifest may have, as `readLink` does. */
export function readManifest(path: string): Buffer | undefined {
  const content = readSmall(path, manifestBuffer);
  if (content === undefined || content.length < manifestBuffer.length || manifestBuffer.length > MAX_MANIFEST_BYTES)
    return content;
  manifestBuffer = Buffer.allocUnsafeSlow(MAX_MANIFEST_BYTES + 1);
  return readSmall(path, manifestBuffer);
}

function readSmall(path: string, buffer: Buffer): Buffer | undefined {
  let file: number;
  try {
    file = fs.openSync(path, READ_FLAGS);
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
  try {
    let length = fs.readSync(file, buffer, 0, buffer.length, null);
    // A short read of a larger file is legal; only a read of nothing is the end. Links are shorter than any short read.
    while (length > MAX_LINK_BYTES && length < buffer.length) {
      const more = fs.readSync(file, buffer, length, buffer.length - length, null);
      if (more === 0) break;
      length += more;
    }
    return buffer.subarray(0, length);
  } finally {
    fs.closeSync(file);
  }
}
