import fs from "node:fs";

/** Bytes that are read at a time: a journal may be larger than the longest string, and than the memory. */
const BLOCK = 256 * 1024;
const NEWLINE = 0x0a;

/**
 * The lines of a file, and what comes after its last newline, if anything does. Nothing but a newline ends a line: in newer versions of Node.js `readline` ends one at
 * U+2028 and U+2029 as well, which JSON may have within a string. Throws the system's error.
 */
export function* readLines(file: string): Generator<string> {
  const descriptor = fs.openSync(file, "r");
  try {
    const lines = new LineSplitter();
    for (;;) {
      const block = readBlock(descriptor, null, BLOCK);
      if (block.length === 0) break;
      yield* lines.push(block);
    }
    yield* lines.end();
  } finally {
    fs.closeSync(descriptor);
  }
}

/** The same lines of a file that people hand on: other work goes on meanwhile, and a program may have put a carriage return before each newline. */
export async function* streamLines(file: string): AsyncGenerator<string> {
  const lines = new LineSplitter();
  const blocks: AsyncIterable<Buffer> = fs.createReadStream(file, { highWaterMark: BLOCK });
  for await (const block of blocks) for (const line of lines.push(block)) yield withoutReturn(line);
  for (const line of lines.end()) yield withoutReturn(line);
}

function withoutReturn(line: string): string {
  return line.endsWith("\r") ? line.slice(0, -1) : line;
}

/** Divides a file's blocks into its lines. */
class LineSplitter {
  /** Of the line whose end is not read yet. */
  #parts: Buffer[] = [];

  *push(block: Buffer): Generator<string> {
    let from = 0;
    for (let to = block.indexOf(NEWLINE); to >= 0; to = block.indexOf(NEWLINE, from)) {
      yield join([...this.#parts, block.subarray(from, to)]);
      this.#parts = [];
      from = to + 1;
    }
    this.#parts.push(block.subarray(from));
  }

  *end(): Generator<string> {
    const rest = join(this.#parts);
    if (rest !== "") yield rest;
  }
}

/** The same lines, last first. */
export function* readLinesBackwards(file: string): Generator<string> {
  const descriptor = fs.openSync(file, "r");
  try {
    let end = fs.fstatSync(descriptor).size;
    let isLast = true;
    /** Of the line whose beginning is not read yet, last first. */
    let parts: Buffer[] = [];
    const line = (first: Buffer): string => join([...parts, first].toReversed());
    while (end > 0) {
      const begin = Math.max(0, end - BLOCK);
      const block = readBlock(descriptor, begin, end - begin);
      end = begin;
      let to = block.length;
      for (let at = block.lastIndexOf(NEWLINE); at >= 0; at = to === 0 ? -1 : block.lastIndexOf(NEWLINE, to - 1)) {
        const text = line(block.subarray(at + 1, to));
        if (text !== "" || !isLast) yield text;
        isLast = false;
        parts = [];
        to = at;
      }
      parts.push(block.subarray(0, to));
    }
    const first = join(parts.toReversed());
    if (first !== "") yield first;
  } finally {
    fs.closeSync(descriptor);
  }
}

/** Undecoded: a block may end within a character. */
function join(parts: readonly Buffer[]): string {
  return Buffer.concat(parts).toString("utf8");
}

/** Less than was asked for only at the end of the file. */
function readBlock(descriptor: number, position: number | null, length: number): Buffer {
  const block = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const at = position === null ? null : position + filled;
    const bytes = fs.readSync(descriptor, block, filled, length - filled, at);
    if (bytes === 0) break;
    filled += bytes;
  }
  return block.subarray(0, filled);
}
