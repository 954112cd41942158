import fs from "node:fs";
import path from "node:path";

/**
 * Makes a directory for this user alone, and its parents where they are missing. Throws the system's error.
 *
 * `mkdirSync` with `recursive` does the same, but in Node 20 it never returns where a directory cannot be made although its parent is
 * there, as in `/proc`, and then no signal is handled.
 */
export function makeDirectory(directory: string): void {
  if (isDirectory(directory)) return;
  const parent = path.dirname(directory);
  if (parent !== directory) makeDirectory(parent);
  try {
    fs.mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    // Another process may have made it since.
    if (!isDirectory(directory)) throw error;
  }
}

function isDirectory(directory: string): boolean {
  return fs.statSync(directory, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
