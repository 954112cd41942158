import fs from "node:fs";
import { hexToWords, isDigestHex } from "../../registry/digest.js";
import type { DigestAlgorithm } from "../../registry/digest.js";
import { BLOBS } from "../../registry/layout.js";
import type { BlobBatch, Stray, StorageFault } from "../listing.js";
import { causeOf, isAbsent } from "../../system-errors.js";
import { listDirectory, NOT_A_DIRECTORY, secondsOf } from "./directory.js";
import { counts } from "./counts.js";
import { listLeaf, listLeaves } from "./leaves.js";
import { strayAt } from "./stray.js";

/**
 * Lists the blobs of some two-digit prefixes. The layout is known, so a blob costs one `lstat` of its `data` and no `readdir`.
 * A blob's directory without `data` is legal: an interrupted write leaves it,
 * or a delete over NFS while it was read (`.nfs…`).
 */
export function scanBlobs(root: string, algorithm: DigestAlgorithm, prefixes: readonly string[]): BlobBatch {
  const hexes: string[] = [];
  const sizes: number[] = [];
  const modified: number[] = [];
  const strays: Stray[] = [];
  const addStray = (path: string): void => {
    const stray = strayAt(root, path);
    if (stray !== undefined) strays.push(stray);
  };
  const faults: StorageFault[] = [];
  for (const prefix of prefixes) {
    const parent = `${BLOBS}/${algorithm}/${prefix}`;
    const stored: string[] = [];
    for (const hex of listPrefix(root, algorithm, parent, addStray, faults)) {
      if (!isDigestHex(algorithm, hex) || !hex.startsWith(prefix)) {
        addStray(`${parent}/${hex}`);
        continue;
      }
      try {
        counts.head++;
        const stat = fs.lstatSync(`${root}/${parent}/${hex}/data`, { throwIfNoEntry: false });
        if (stat === undefined) {
          listLeaf(root, `${parent}/${hex}`, isData, addStray);
          continue;
        }
        if (!stat.isFile()) {
          faults.push({ path: `${parent}/${hex}/data`, cause: "not a plain file" });
          continue;
        }
        stored.push(`${parent}/${hex}`);
        hexes.push(hex);
        sizes.push(stat.size);
        modified.push(secondsOf(stat.mtimeMs));
      } catch (error) {
        if (!isAbsent(error)) faults.push({ path: `${parent}/${hex}/data`, cause: causeOf(error) });
      }
    }
    listLeaves(root, stored, isData, addStray);
  }
  return {
    algorithm,
    digests: hexToWords(algorithm, hexes),
    sizes: Float64Array.from(sizes),
    modified: Uint32Array.from(modified),
    strays,
    faults,
  };
}

/** The names of the directories of a prefix; what else is there is a stray or a fault. */
function listPrefix(
  root: string,
  algorithm: DigestAlgorithm,
  parent: string,
  addStray: (path: string) => void,
  faults: StorageFault[],
): readonly string[] {
  try {
    counts.list++;
    const listed = listDirectory(`${root}/${parent}`);
    if (listed === undefined) throw new Error("gone since its parent was listed");
    for (const name of listed.files)
      if (isDigestHex(algorithm, name)) faults.push({ path: `${parent}/${name}`, cause: NOT_A_DIRECTORY });
      else addStray(`${parent}/${name}`);
    for (const { name, cause } of listed.unreadable) faults.push({ path: `${parent}/${name}`, cause });
    return listed.directories;
  } catch (error) {
    faults.push({ path: parent, cause: causeOf(error) });
    return [];
  }
}

function isData(name: string): boolean {
  return name === "data";
}
