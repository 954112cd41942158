import fs from "node:fs";
import { isAbsent } from "../../system-errors.js";
import { take } from "./answers.js";
import type { Answers } from "./answers.js";
import type { Watch } from "./watch.js";

/** The calls that reading a storage makes. Each throws the system's error, but for what is merely not there; and `Watch`'s. */

/**
 * Symbolic links are not followed (`O_NOFOLLOW`: the open fails with ELOOP, a fault), and a pipe in a link's place is not waited for
 * (`O_NONBLOCK`: it reads as empty, which is damage).
 */
export const READ_FLAGS = fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK;

/** What is known before it is asked for; only where each call would have to wait. */
let known: Answers | undefined;

let watch: Watch | undefined;

/** Does some work, all of it synchronous, and ends it where calls wait. */
export function withWatch<T>(watching: Watch, work: () => T): T {
  watch = watching;
  try {
    return work();
  } finally {
    watch = undefined;
  }
}

/** Does some work, all of it synchronous, with answers that are known already. */
export function withAnswers<T>(answers: Answers, work: () => T): T {
  known = answers;
  try {
    return work();
  } finally {
    known = undefined;
  }
}

/** What `readInto` returns where there is no such file. */
export const ABSENT = -1;

/**
 * Reads the beginning of a file, at most as much as the buffer holds, and returns how many bytes: the hot loop of a check, three system
 * calls and no object. A short read of a larger file is legal, and only a read of nothing is its end; up to `sure` bytes, or as many as
 * `expected`, are taken for all that there is.
 */
export function readInto(path: string, buffer: Uint8Array, sure: number, expected: number): number {
  if (known !== undefined) {
    const answer = take(known.contents, path);
    if (answer !== undefined) return copyInto(answer.value, buffer);
  }
  watch?.look();
  let file: number;
  try {
    file = fs.openSync(path, READ_FLAGS);
  } catch (error) {
    if (isAbsent(error)) return ABSENT;
    throw error;
  }
  try {
    let length = fs.readSync(file, buffer, 0, buffer.length, null);
    while (length > sure && length !== expected && length < buffer.length) {
      const more = fs.readSync(file, buffer, length, buffer.length - length, null);
      if (more === 0) break;
      length += more;
    }
    return length;
  } finally {
    fs.closeSync(file);
  }
}

function copyInto(content: Uint8Array | undefined, buffer: Uint8Array): number {
  if (content === undefined) return ABSENT;
  const length = Math.min(content.length, buffer.length);
  buffer.set(content.subarray(0, length));
  return length;
}

/** Size, time and kind of what is at a path; undefined where nothing is. */
export function lstat(path: string): fs.Stats | undefined {
  const answer = known && take(known.stats, path);
  if (answer !== undefined) return answer.value;
  watch?.look();
  return fs.lstatSync(path, NOT_THROWN);
}
const NOT_THROWN = { throwIfNoEntry: false } as const;

/** The entries of a directory, and what each of them is. Throws where there is none. */
export function entriesOf(path: string): fs.Dirent[] {
  const answer = known && take(known.entries, path);
  if (answer !== undefined) return answer.value;
  watch?.look();
  return fs.readdirSync(path, WITH_TYPES);
}
const WITH_TYPES = { withFileTypes: true } as const;

/** The names in a directory. Throws where there is none. */
export function namesIn(path: string): string[] {
  const answer = known && take(known.names, path);
  if (answer !== undefined) return answer.value;
  watch?.look();
  return fs.readdirSync(path);
}
