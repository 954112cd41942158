import { getSystemErrorMap } from "node:util";
import { errorMessage } from "./errors.js";

/** The code of a failed system call, such as `ENOENT`; undefined for any other error. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** The cause of a failed system call in words, without the path, which whoever tells of it names by itself. */
export function causeOf(error: unknown): string {
  const words = isSystemError(error) ? WORDS.get(codeOf(error) ?? "") : undefined;
  return words ?? errorMessage(error);
}

/** By code, such as `ENOENT`, what the system calls it. */
const WORDS: ReadonlyMap<string, string> = new Map(getSystemErrorMap().values());

/** Whether a system call has failed. */
export function isSystemError(error: unknown): error is Error {
  return error instanceof Error && "syscall" in error;
}

/** Whether the error says that the path does not exist. A file in a directory's place (ENOTDIR) says nothing of what was in it. */
export function isAbsent(error: unknown): boolean {
  return codeOf(error) === "ENOENT";
}

/** Whether there is something already where something was to be made. */
export function isThereAlready(error: unknown): boolean {
  return codeOf(error) === "EEXIST";
}

/** Whether the disk, or what its user may have of it, is full. */
export function isFull(error: unknown): boolean {
  const code = codeOf(error);
  return code === "ENOSPC" || code === "EDQUOT";
}

/** Filesystems without hard links say one of these to whoever makes one. */
const NO_HARD_LINKS: ReadonlySet<string | undefined> = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"]);

/** Whether the filesystem has no hard links. */
export function lacksHardLinks(error: unknown): boolean {
  return NO_HARD_LINKS.has(codeOf(error));
}
