import { namesIn } from "./calls.js";
import type { LeafSearch } from "../storage.js";
import { counts } from "./counts.js";

/** How many of the directories in one are listed, of those that have what they should: all, where they are few; else one in so many. */
const FEW = 8;
const EVERY = 64;

/**
 * What lies beside links and blobs: most directories of a registry hold one file with a known name, and to list them all would double the
 * price of a check (6 µs to list one, 5 µs to read its link). What is put there is put into all of them (a NAS's thumbnails, a copy's attributes) or into one (a file that was in use
 * when it was deleted, over NFS). So some are listed, in a small registry all, and where something is found, the others beside it as well; or all, if that is asked for.
 * `addStray` is called for each name besides `own`.
 */
export function listLeaves(
  root: string,
  directories: readonly string[],
  leaves: LeafSearch,
  isOwn: (name: string) => boolean,
  addStray: (path: string) => void,
): void {
  const listSome = (some: readonly string[]): boolean =>
    some.map((directory) => listLeaf(root, directory, isOwn, addStray)).includes(true);
  const hasStrays = listSome(directories.filter((_, i) => isListed(i, directories.length, leaves)));
  if (hasStrays) listSome(directories.filter((_, i) => !isListed(i, directories.length, leaves)));
}

/** Whether number `i` of so many is listed whatever the others hold. */
export function isListed(i: number, count: number, leaves: LeafSearch): boolean {
  return leaves === "all" || count <= FEW || i % EVERY === 0;
}

/** Lists one of them. Returns whether it holds anything else. What cannot be listed is found out by what is read from it. */
export function listLeaf(
  root: string,
  directory: string,
  isOwn: (name: string) => boolean,
  addStray: (path: string) => void,
): boolean {
  try {
    counts.list++;
    const strays = namesIn(`${root}/${directory}`).filter((name) => !isOwn(name));
    for (const name of strays) addStray(`${directory}/${name}`);
    return strays.length > 0;
  } catch {
    return false;
  }
}
