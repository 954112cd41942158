import fs from "node:fs";
import { errorMessage } from "../../errors.js";

/** What a directory holds, by what it is: registries are made of directories and plain files only. */
export interface Directory {
  readonly directories: string[];
  readonly files: string[];
  /** Symbolic links, sockets, devices: never followed, never opened. */
  readonly others: string[];
}

/** The system's code of a failed call: `ENOENT`. */
export function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}

/** Whether the error says that the path does not exist. */
export function isAbsent(error: unknown): boolean {
  return codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR";
}

/** The cause of a failed system call, without the path, which findings carry by themselves. */
export function causeOf(error: unknown): string {
  const message = errorMessage(error);
  return error instanceof Error && "syscall" in error ? message.replace(/ '.*$/s, "") : message;
}

/** Lists a directory; `undefined` when there is none. Throws when it cannot be read. */
export function listDirectory(path: string): Directory | undefined {
  let entries: fs.Dirent[];
  try {
    entries = fs.readdirSync(path, { withFileTypes: true });
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
  const directory: Directory = { directories: [], files: [], others: [] };
  for (const entry of entries) {
    const kind = entry.isDirectory() ? directory.directories : entry.isFile() ? directory.files : directory.others;
    kind.push(entry.name);
  }
  return directory;
}
