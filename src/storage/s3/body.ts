import crypto from "node:crypto";
import type { Readable } from "node:stream";
import type { DigestAlgorithm } from "../../registry/digest.js";

/** A body that ended before its time; worth another attempt. */
export class ShortBody extends Error {
  override readonly name = "ShortBody";
  /** Read by the SDK: the request may be repeated. */
  readonly $retryable = {};
}

/** A body up to here is copied together as it comes in, and no piece of it is kept. */
const COPIED_BYTES = 4 * 1024 ** 2;

/** Reads a body of `expected` bytes, or of any length if undefined; at most `most` bytes of it. */
export function collect(stream: Readable, expected: number | undefined, most = Number.POSITIVE_INFINITY): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const wanted = Math.min(expected ?? Number.POSITIVE_INFINITY, most);
    const pieces = expected !== undefined && wanted <= COPIED_BYTES ? new OnePiece(wanted) : new Pieces();
    let length = 0;
    stream.on("data", (chunk: Buffer) => {
      pieces.add(chunk, length);
      length += chunk.length;
      if (length < most) return;
      resolve(pieces.join().subarray(0, most));
      // The connection cannot be used again, which is cheaper than reading a layer of some gigabytes to its end.
      stream.destroy();
    });
    stream.on("end", () => {
      if (expected === undefined || length === expected) resolve(pieces.join());
      else reject(new ShortBody(`the body ended after ${length} of ${expected} bytes`));
    });
    stream.on("error", reject);
    stream.on("aborted", () => reject(new ShortBody(`the connection was closed after ${length} bytes`)));
  });
}

/** A body whose length is known. What is longer is cut off. */
class OnePiece {
  readonly #content: Buffer;

  constructor(length: number) {
    this.#content = Buffer.allocUnsafe(length);
  }

  add(chunk: Buffer, at: number): void {
    chunk.copy(this.#content, at);
  }

  join(): Buffer {
    return this.#content;
  }
}

class Pieces {
  readonly #chunks: Buffer[] = [];

  add(chunk: Buffer): void {
    this.#chunks.push(chunk);
  }

  join(): Buffer {
    return Buffer.concat(this.#chunks);
  }
}

/** The hash, as hex, of a body of any length. `onBytes` receives the number of bytes as they are read. */
export async function hashOf(
  stream: Readable,
  expected: number | undefined,
  algorithm: DigestAlgorithm,
  onBytes: (bytes: number) => void = () => {},
): Promise<string> {
  const hash = crypto.createHash(algorithm);
  let length = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    hash.update(chunk);
    length += chunk.length;
    onBytes(chunk.length);
  }
  if (expected !== undefined && length !== expected) throw new ShortBody(`the body ended after ${length} of ${expected} bytes`);
  return hash.digest("hex");
}
