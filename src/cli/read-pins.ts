import fs from "node:fs";
import { addAbortSignal } from "node:stream";
import { UsageError } from "../errors.js";
import { causeOf } from "../system-errors.js";
import type { Digest } from "../registry/digest.js";
import { DigestScanner } from "../registry/digest-scanner.js";

/**
 * The digests in some files of any kind, `-` being stdin. Throws a `UsageError` for a file that cannot be read.
 *
 * A file without any digest is an error too, for a check as for a sweep: nobody gives it on purpose, but a `kubectl` that fails at the
 * other end of a pipe looks just like that. Then everything that runs by its digest would be called garbage, in a figure that somebody
 * decides by or in a sweep, and a warning above a long report is not read.
 */
export async function readPins(files: readonly string[], signal: AbortSignal): Promise<readonly Digest[]> {
  const pins = new Map<string, Digest>();
  for (const file of files) {
    const digests = await readDigests(file, signal);
    if (digests.length === 0)
      throw new UsageError(
        `--keep ${file}: there is no digest (sha256:<64 hex>) in it, so it would keep nothing. Leave --keep out if that is so.`,
      );
    for (const digest of digests) pins.set(digest.toString(), digest);
  }
  return [...pins.values()];
}

async function readDigests(file: string, signal: AbortSignal): Promise<readonly Digest[]> {
  const scanner = new DigestScanner();
  try {
    const stream = addAbortSignal(signal, file === "-" ? process.stdin : fs.createReadStream(file));
    for await (const piece of stream as AsyncIterable<Buffer>) scanner.push(piece);
  } catch (error) {
    signal.throwIfAborted();
    throw new UsageError(`--keep ${file}: ${causeOf(error)}`);
  }
  return scanner.end();
}
