import fs from "node:fs";
import { counts } from "./counts.js";

/** How many of the directories in one are listed, of those that have what they should: the first ones, then a few of the rest. */
const FIRST = 8;
const EVERY = 64;

/**
 * What lies beside links and blobs: most directories of a registry hold one file with a known name, and to list them all would double the
 * price of a check. What is put there is put into all of them (a NAS's thumbnails, a copy's attributes) or into one (a file that was in use
 * when it was deleted, over NFS). So some are listed, in a small registry all, and where something is found, the others beside it as well.
 * `addStray` is called for each name besides `own`.
 */
export function listLeaves(
  root: string,
  directories: readonly string[],
  isOwn: (name: string) => boolean,
  addStray: (path: string) => void,
): void {
  const isFirst = (i: number): boolean => i < FIRST || i % EVERY === 0;
  const listSome = (some: readonly string[]): boolean =>
    some.map((directory) => listLeaf(root, directory, isOwn, addStray)).includes(true);
  const hasStrays = listSome(directories.filter((_, i) => isFirst(i)));
  if (hasStrays) listSome(directories.filter((_, i) => !isFirst(i)));
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
    const strays = fs.readdirSync(`${root}/${directory}`).filter((name) => !isOwn(name));
    for (const name of strays) addStray(`${directory}/${name}`);
    return strays.length > 0;
  } catch {
    return false;
  }
}
