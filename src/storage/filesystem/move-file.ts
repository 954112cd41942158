import fs from "node:fs";
import type { OutcomeOfOne } from "../changes.js";
import { isThereAlready, lacksHardLinks } from "../../system-errors.js";
import { readFile } from "./write-file.js";

/** Bytes of the largest file that is compared with what is in its place: links. A blob's digest says more than a comparison. */
const MOST_COMPARED = 64 * 1024;

/**
 * `link` refuses an existing target, which `rename` would replace; but not every filesystem has hard links. Killed between link and
 * unlink, the file is at both places: moving it again ends that. On another device `link` fails, as it should: nothing is copied.
 * Returns what was at the target already; something else stays as it is, and so does the file.
 */
export function moveFile(from: string, to: string): OutcomeOfOne["found"] {
  try {
    fs.linkSync(from, to);
  } catch (error) {
    if (!lacksHardLinks(error) && !isThereAlready(error)) throw error;
    if (fs.lstatSync(to, { throwIfNoEntry: false }) === undefined) {
      fs.renameSync(from, to);
      return undefined;
    }
    if (!isSameFile(from, to) && !isSameContent(from, to)) return "other";
    fs.unlinkSync(from);
    return "same";
  }
  fs.unlinkSync(from);
  return undefined;
}

function isSameContent(one: string, other: string): boolean {
  const [a, b] = [fs.lstatSync(one), fs.lstatSync(other)];
  if (!a.isFile() || !b.isFile() || a.size !== b.size || a.size > MOST_COMPARED) return false;
  return readFile(one).equals(readFile(other));
}

function isSameFile(one: string, other: string): boolean {
  const [a, b] = [fs.lstatSync(one), fs.lstatSync(other)];
  return a.ino === b.ino && a.dev === b.dev;
}
