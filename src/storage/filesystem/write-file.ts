import fs from "node:fs";
import path from "node:path";
import { replaceFile as replaceWhole, syncDirectory, writeBeside } from "../../durable-files.js";
import { codeOf, isThereAlready, lacksHardLinks } from "../../system-errors.js";
import { READ_FLAGS } from "./calls.js";

/**
 * Small files that are there as a whole or not at all, and on the disk when the call returns: written beside their place under a name
 * of the registry's own form (`link.<uuid>.tmp`, which it passes over), synced, then linked or renamed.
 *
 * regcheck often runs as another user than the registry, which has to be able to write here afterwards: what is made takes mode and
 * owner from what it replaces or lies in, as far as the system allows.
 */

/** Makes a file, and the directories that it needs; false where there is something already. `modified` is in seconds since 1970. */
export function createFile(target: string, content: Uint8Array, modified?: number): boolean {
  const directory = path.dirname(target);
  const firstMade = makeDirectories(directory);
  const model = fs.statSync(directory);
  let temporary: string;
  try {
    temporary = writeBeside(target, writing(content, model, model.mode & 0o666, modified));
  } catch (error) {
    if (firstMade !== undefined) removeEmpty(directory, firstMade);
    throw error;
  }
  try {
    // Where `rename` would replace what is there, `link` refuses.
    fs.linkSync(temporary, target);
  } catch (error) {
    if (isThereAlready(error)) return false;
    if (!lacksHardLinks(error)) throw error;
    if (!createInPlace(target, content, modified)) return false;
  } finally {
    fs.unlinkSync(temporary);
  }
  syncDirectories(directory, firstMade);
  return true;
}

/** Gives a plain file another content, if it has the one that is expected. `modified` is in seconds since 1970. */
export function replaceFile(
  target: string,
  expected: Uint8Array,
  content: Uint8Array,
  modified?: number,
): "replaced" | "changed" | "absent" {
  const model = fs.lstatSync(target, { throwIfNoEntry: false });
  if (model === undefined) return "absent";
  if (!model.isFile()) throw new Error("it is no plain file");
  if (!readFile(target).equals(expected)) return "changed";
  replaceWhole(target, writing(content, model, model.mode & 0o7777, modified));
  syncDirectories(path.dirname(target), undefined);
  return "replaced";
}

/** The content of a file that is no symbolic link. */
export function readFile(file: string): Buffer {
  const descriptor = fs.openSync(file, READ_FLAGS);
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
  let model = fs.statSync(parent, { throwIfNoEntry: false });
  const first = model === undefined ? makeDirectories(parent) : undefined;
  model ??= fs.statSync(parent);
  try {
    fs.mkdirSync(directory);
  } catch (error) {
    if (isThereAlready(error)) return first;
    throw error;
  }
  fs.chmodSync(directory, model.mode & 0o7777);
  // Of whoever makes it, and of his group or that of the one above, it is by itself.
  const isOwn = model.uid === process.geteuid?.() && model.gid === process.getegid?.();
  if (!isOwn) giveTo(model, (uid, gid) => fs.chownSync(directory, uid, gid));
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

function writing(content: Uint8Array, owner: fs.Stats, mode: number, modified?: number): (descriptor: number) => void {
  return (descriptor) => {
    fs.writeFileSync(descriptor, content);
    giveTo(owner, (uid, gid) => fs.fchownSync(descriptor, uid, gid));
    fs.fchmodSync(descriptor, mode);
    if (modified !== undefined) fs.futimesSync(descriptor, modified, modified);
  };
}

/** Without hard links nothing else refuses to replace a file: this one is made first and written then. */
function createInPlace(target: string, content: Uint8Array, modified?: number): boolean {
  try {
    fs.writeFileSync(target, content, { flag: "wx", flush: true });
    if (modified !== undefined) fs.utimesSync(target, modified, modified);
    return true;
  } catch (error) {
    if (isThereAlready(error)) return false;
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
