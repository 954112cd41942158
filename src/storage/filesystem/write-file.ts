import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { codeOf } from "./directory.js";

/**
 * Small files that are there as a whole or not at all, and on the disk when the call returns: written beside their place under a name
 * of the registry's own form (`link.<uuid>.tmp`, which it passes over), synced, then linked or renamed.
 *
 * regcheck often runs as another user than the registry, which has to be able to write here afterwards: what is made takes mode and
 * owner from what it replaces or lies in, as far as the system allows.
 */

/** Filesystems without hard links say one of these. */
const NO_HARD_LINKS: ReadonlySet<unknown> = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"]);
/** No symbolic link is followed, and a pipe is not waited for. */
const READ = fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK;

/** Makes a file, and the directories that it needs; false where there is something already. */
export function createFile(target: string, content: Uint8Array): boolean {
  const directory = path.dirname(target);
  const firstMade = makeDirectories(directory);
  const model = fs.statSync(directory);
  let temporary: string;
  try {
    temporary = writeBeside(target, content, model, model.mode & 0o666);
  } catch (error) {
    if (firstMade !== undefined) removeEmpty(directory, firstMade);
    throw error;
  }
  try {
    // Where `rename` would replace what is there, `link` refuses.
    fs.linkSync(temporary, target);
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    if (!NO_HARD_LINKS.has(codeOf(error))) throw error;
    if (!createInPlace(target, content)) return false;
  } finally {
    fs.unlinkSync(temporary);
  }
  syncDirectories(directory, firstMade);
  return true;
}

/** Gives a plain file another content, if it has the one that is expected. */
export function replaceFile(target: string, expected: Uint8Array, content: Uint8Array): "replaced" | "changed" | "absent" {
  const model = fs.lstatSync(target, { throwIfNoEntry: false });
  if (model === undefined) return "absent";
  if (!model.isFile()) throw new Error("it is no plain file");
  if (!readFile(target).equals(expected)) return "changed";
  const temporary = writeBeside(target, content, model, model.mode & 0o7777);
  try {
    fs.renameSync(temporary, target);
  } catch (error) {
    fs.unlinkSync(temporary);
    throw error;
  }
  syncDirectories(path.dirname(target), undefined);
  return "replaced";
}

/** The content of a file that is no symbolic link. */
export function readFile(file: string): Buffer {
  const descriptor = fs.openSync(file, READ);
  try {
    return fs.readFileSync(descriptor);
  } finally {
    fs.closeSync(descriptor);
  }
}

/** Makes a directory and those above it that are missing. Returns the first that was made, if any was. */
export function makeDirectories(directory: string): string | undefined {
  if (fs.existsSync(directory)) return undefined;
  const parent = path.dirname(directory);
  const first = makeDirectories(parent);
  const model = fs.statSync(parent);
  try {
    fs.mkdirSync(directory);
  } catch (error) {
    if (codeOf(error) === "EEXIST") return first;
    throw error;
  }
  fs.chmodSync(directory, model.mode & 0o7777);
  giveTo(model, (uid, gid) => fs.chownSync(directory, uid, gid));
  return first ?? directory;
}

/** Removes the directories that were made for a file that could not be; others may have put something in them. */
function removeEmpty(directory: string, firstMade: string): void {
  try {
    for (let at = directory; at.length >= firstMade.length; at = path.dirname(at)) fs.rmdirSync(at);
  } catch {
    // What is not empty is in use.
  }
}

function writeBeside(target: string, content: Uint8Array, owner: fs.Stats, mode: number): string {
  const temporary = `${target}.${crypto.randomUUID()}.tmp`;
  const descriptor = fs.openSync(temporary, "wx");
  try {
    fs.writeFileSync(descriptor, content);
    giveTo(owner, (uid, gid) => fs.fchownSync(descriptor, uid, gid));
    fs.fchmodSync(descriptor, mode);
    fs.fsyncSync(descriptor);
  } catch (error) {
    fs.unlinkSync(temporary);
    throw error;
  } finally {
    fs.closeSync(descriptor);
  }
  return temporary;
}

/** Without hard links nothing else refuses to replace a file: this one is made first and written then. */
function createInPlace(target: string, content: Uint8Array): boolean {
  try {
    fs.writeFileSync(target, content, { flag: "wx", flush: true });
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  }
}

/** Only root gives files away; who shares a group with the registry can make do with that. */
function giveTo({ uid, gid }: fs.Stats, chown: (uid: number, gid: number) => void): void {
  for (const owner of [uid, process.getuid?.() ?? uid]) {
    try {
      chown(owner, gid);
      return;
    } catch (error) {
      if (codeOf(error) !== "EPERM") throw error;
    }
  }
}

/** Puts the entry of a file on the disk, and those of the directories that were made for it. */
function syncDirectories(directory: string, firstMade: string | undefined): void {
  const last = firstMade === undefined ? directory : path.dirname(firstMade);
  for (let at = directory; ; at = path.dirname(at)) {
    syncDirectory(at);
    if (at === last) return;
  }
}

/** Puts what a directory holds by now on the disk, as far as the filesystem knows of that. */
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
