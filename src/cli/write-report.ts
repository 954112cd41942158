import fs from "node:fs";
import { once } from "node:events";
import path from "node:path";
import { errorMessage, UsageError } from "../errors.js";
import type { TextOptions } from "../report/text.js";

/** How text is laid out for where it goes: colour and a width for a terminal, neither for a pipe or a file. */
export function textOptions(stream: NodeJS.WriteStream | undefined): TextOptions {
  const isTerminal = stream?.isTTY === true;
  const colour = isTerminal && (process.env["NO_COLOR"] ?? "") === "" && process.env["TERM"] !== "dumb";
  return { colour, width: isTerminal ? stream.columns : undefined };
}

/** Writes pieces of text to a stream at its own pace. A reader that goes away (`| head`) ends the writing, without an error. */
export async function writeToStream(stream: NodeJS.WritableStream, pieces: Iterable<string>): Promise<void> {
  let closed = false;
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    closed = true;
  });
  for (const chunk of inChunks(pieces)) {
    if (closed) return;
    if (!stream.write(chunk)) await Promise.race([once(stream, "drain"), once(stream, "close")]).catch(() => {});
  }
}

/** Writes a file so that a reader sees the old one or the new one, never a part. Throws a `UsageError` that names the file. */
export function writeFileAtomically(file: string, pieces: Iterable<string>): void {
  const temporary = path.join(path.dirname(file), `.${path.basename(file)}.${process.pid}.tmp`);
  try {
    if (isSpecial(file)) {
      for (const chunk of inChunks(pieces)) fs.writeFileSync(file, chunk);
      return;
    }
    const descriptor = fs.openSync(temporary, "w");
    try {
      for (const chunk of inChunks(pieces)) fs.writeSync(descriptor, chunk);
      fs.fsyncSync(descriptor);
    } finally {
      fs.closeSync(descriptor);
    }
    fs.renameSync(temporary, file);
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    throw new UsageError(`--output ${file}: ${errorMessage(error)}`);
  }
}

/** What the file holds that a report is about to replace; undefined if there is none, or it cannot be read or is no ordinary file. */
export function readIfFile(file: string): string | undefined {
  try {
    return isSpecial(file) ? undefined : fs.readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

/** `/dev/null`, a named pipe: written to, not replaced. */
function isSpecial(file: string): boolean {
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  return stat !== undefined && !stat.isFile() && !stat.isDirectory();
}

const CHUNK_CHARACTERS = 64 * 1024;

/** Joins small pieces, so that a million findings are not a million writes. */
function* inChunks(pieces: Iterable<string>): Generator<string> {
  let chunk = "";
  for (const piece of pieces) {
    chunk += piece;
    if (chunk.length < CHUNK_CHARACTERS) continue;
    yield chunk;
    chunk = "";
  }
  if (chunk !== "") yield chunk;
}
