import type { Dirent } from "node:fs";
import { EXIT_CODES, OperatorError } from "../../errors.js";
import { causeOf, isAbsent } from "../../system-errors.js";
import { entriesOf, lstat } from "./calls.js";

/** What a directory holds, by what it is: registries are made of directories and plain files only. */
export interface Directory {
  readonly directories: string[];
  readonly files: string[];
  /** What is never followed or opened, and why. */
  readonly unreadable: { readonly name: string; readonly cause: string }[];
}

/** Why something in a layout directory's place is a fault. */
export const NOT_A_DIRECTORY = "a file, where a directory is expected";
export const NOT_FOLLOWED = "a symbolic link or device, not followed";
/** Node replaces what it cannot decode: the name leads nowhere then. */
const NOT_DECODED = "\ufffd";

/** What an operator is told when work that changes the storage fails at a path. */
export function changeError(file: string, error: unknown): OperatorError {
  if (error instanceof OperatorError) return error;
  return new OperatorError(`${file}: ${causeOf(error)}`, EXIT_CODES.stopped, { cause: error });
}

/** Seconds since 1970 of a file's time in milliseconds, as far as 32 bits hold it: before and after that, the first and the last one. */
export function secondsOf(milliseconds: number): number {
  return Math.min(0xffffffff, Math.max(0, Math.floor(milliseconds / 1000)));
}

/** Lists a directory; `undefined` when there is none. Throws when it cannot be read. */
export function listDirectory(path: string): Directory | undefined {
  let entries: Dirent[];
  try {
    entries = entriesOf(path);
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
  const directory: Directory = { directories: [], files: [], unreadable: [] };
  for (const entry of entries) {
    const { name } = entry;
    if (name.includes(NOT_DECODED)) directory.unreadable.push({ name, cause: "its name is not UTF-8" });
    else if (entry.isDirectory()) directory.directories.push(name);
    else if (entry.isFile()) directory.files.push(name);
    else directory.unreadable.push({ name, cause: NOT_FOLLOWED });
  }
  return directory;
}

/**
 * Lists one of the directories that all others lie in, which must not be a symbolic link out of the storage either (safety rule 10):
 * those below are seen as what they are when their parent is listed. Throws as `listDirectory` does.
 */
export function listTopDirectory(path: string): Directory | undefined {
  if (lstat(path)?.isSymbolicLink() === true) throw new Error(NOT_FOLLOWED);
  return listDirectory(path);
}
