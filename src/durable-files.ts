import crypto from "node:crypto";
import fs from "node:fs";
import { codeOf } from "./system-errors.js";

/**
 * Writes a new file beside its place, under a name that nobody can know before (`target.<uuid>.tmp`, which a registry passes over): no
 * planted symbolic link is followed, and no two processes have the same one. On the disk when it returns the name; gone when it throws.
 */
export function writeBeside(target: string, write: (descriptor: number) => void): string {
  const temporary = `${target}.${crypto.randomUUID()}.tmp`;
  const descriptor = fs.openSync(temporary, "wx");
  try {
    write(descriptor);
    fs.fsyncSync(descriptor);
  } catch (error) {
    fs.unlinkSync(temporary);
    throw error;
  } finally {
    fs.closeSync(descriptor);
  }
  return temporary;
}

/** Puts a file in its place, or in the place of what is there: whoever looks sees the one or the other, whole. */
export function replaceFile(target: string, write: (descriptor: number) => void): void {
  const temporary = writeBeside(target, write);
  try {
    fs.renameSync(temporary, target);
  } catch (error) {
    fs.unlinkSync(temporary);
    throw error;
  }
}

/** Puts the entries of a directory on the disk, as far as the filesystem knows of that. */
export function syncDirectory(directory: string): void {
  const descriptor = fs.openSync(directory, "r");
  try {
    fs.fsyncSync(descriptor);
  } catch (error) {
    // Some network filesystems do not sync directories: their server has done what it has answered.
    if (codeOf(error) !== "EINVAL") throw error;
  } finally {
    fs.closeSync(descriptor);
  }
}
