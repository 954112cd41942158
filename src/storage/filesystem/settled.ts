import { causeOf } from "../../system-errors.js";
import type { StorageFault } from "../listing.js";
import { lstat } from "./calls.js";
import { counts } from "./counts.js";
import { secondsOf } from "./directory.js";

/** Milliseconds until what may be in the middle of being written is read again: until 3.1 a registry empties a file before it writes it. */
export const REWRITE_TIME = 20;
const never = new Int32Array(new SharedArrayBuffer(4));

/** Gives a registry that is writing the time to come to its end: once for all that is to be read again, for there may be thousands. */
export function pauseForWriter(): void {
  Atomics.wait(never, 0, 0, REWRITE_TIME);
}

/** Seconds: what was changed so long ago is not in the middle of being written, by the clock of this machine. */
const SETTLED = 10 * 60;

/**
 * Whether a registry may be in the middle of writing what was last changed then, as `modifiedTime` says; not to be asked of a file server, whose
 * clock is another. What is gone, or cannot be asked about, may be.
 */
export function isUnsettled(modified: number | StorageFault): boolean {
  return typeof modified !== "number" || Date.now() / 1000 - modified < SETTLED;
}

const NOTHING_THERE = "no such file or directory";

/** When a file was last changed, in seconds since 1970. `root` is an absolute path. */
export function modifiedTime(root: string, path: string): number | StorageFault {
  counts.head++;
  try {
    const found = lstat(`${root}/${path}`);
    return found === undefined ? { path, cause: NOTHING_THERE, gone: true } : secondsOf(found.mtimeMs);
  } catch (error) {
    return { path, cause: causeOf(error), gone: false };
  }
}
