import fs from "node:fs";
import { hexToWords, isDigestHex } from "../../registry/digest.js";
import type { DigestAlgorithm } from "../../registry/digest.js";
import { BLOBS } from "../../registry/layout.js";
import type { BlobBatch, StorageFault } from "../listing.js";
import { causeOf, isAbsent } from "../../system-errors.js";
import { listDirectory, NOT_A_DIRECTORY, secondsOf } from "./directory.js";
import { counts } from "./counts.js";

/**
 * Lists the blobs of some two-digit prefixes. The layout is known, so a blob costs one `lstat` of its `data` and no `readdir`.
 * A blob's directory without `data` is legal: an interrupted write leaves it.
 */
export function scanBlobs(root: string, algorithm: DigestAlgorithm, prefixes: readonly string[]): BlobBatch {
  const hexes: string[] = [];
  const sizes: number[] = [];
  const modified: number[] = [];
  const strays: string[] = [];
  const faults: StorageFault[] = [];
  for (const prefix of prefixes) {
    const parent = `${BLOBS}/${algorithm}/${prefix}`;
    let names: string[];
    try {
      counts.list++;
      const listed = listDirectory(`${root}/${parent}`);
      if (listed === undefined) throw new Error("gone since its parent was listed");
      names = listed.directories;
      for (const name of listed.files)
        if (isDigestHex(algorithm, name)) faults.push({ path: `${parent}/${name}`, cause: NOT_A_DIRECTORY });
        else strays.push(`${parent}/${name}`);
      for (const { name, cause } of listed.unreadable) faults.push({ path: `${parent}/${name}`, cause });
    } catch (error) {
      faults.push({ path: parent, cause: causeOf(error) });
      continue;
    }
    for (const hex of names) {
      if (!isDigestHex(algorithm, hex) || !hex.startsWith(prefix)) {
        strays.push(`${parent}/${hex}`);
        continue;
      }
      try {
        counts.head++;
        const stat = fs.lstatSync(`${root}/${parent}/${hex}/data`, { throwIfNoEntry: false });
        if (stat === undefined) continue;
        if (!stat.isFile()) {
          faults.push({ path: `${parent}/${hex}/data`, cause: "not a plain file" });
          continue;
        }
        hexes.push(hex);
        sizes.push(stat.size);
        modified.push(secondsOf(stat.mtimeMs));
      } catch (error) {
        if (!isAbsent(error)) faults.push({ path: `${parent}/${hex}/data`, cause: causeOf(error) });
      }
    }
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
