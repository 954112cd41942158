import { DigestList, isDigestHex } from "../../registry/digest.js";
import type { DigestAlgorithm } from "../../registry/digest.js";
import { BLOBS } from "../../registry/layout.js";
import type { BlobBatch, Stray, StorageFault } from "../listing.js";
import type { LeafSearch } from "../storage.js";
import { causeOf } from "../../system-errors.js";
import { BlobOwners } from "./blob-owners.js";
import { lstat } from "./calls.js";
import { listDirectory, NOT_A_DIRECTORY, secondsOf } from "./directory.js";
import { counts } from "./counts.js";
import { listLeaf, listLeaves } from "./leaves.js";
import { strayAt } from "./stray.js";

/**
 * Lists the blobs of some two-digit prefixes. The layout is known, so a blob costs one `lstat` of its `data` and no `readdir`.
 * A blob's directory without `data` is legal: an interrupted write leaves it, or a delete over NFS while it was read (`.nfs…`).
 */
export function scanBlobs(root: string, algorithm: DigestAlgorithm, prefixes: readonly string[], leaves: LeafSearch): BlobBatch {
  const found: Found = {
    root,
    digests: new DigestList(algorithm),
    sizes: [],
    modified: [],
    owners: new BlobOwners(),
    strays: [],
    faults: [],
  };
  for (const prefix of prefixes) {
    const parent = `${BLOBS}/${algorithm}/${prefix}`;
    const blobs = listPrefix(found, parent, algorithm, prefix);
    listLeaves(root, readSizes(found, parent, blobs), leaves, isData, (path) => addStray(found, path));
  }
  const { sizes, modified, owners, strays, faults } = found;
  return {
    algorithm,
    digests: found.digests.toWords(),
    sizes: Float64Array.from(sizes),
    modified: Uint32Array.from(modified),
    strays,
    owners: owners.build(),
    faults,
  };
}

interface Found {
  readonly root: string;
  readonly digests: DigestList;
  readonly sizes: number[];
  readonly modified: number[];
  readonly owners: BlobOwners;
  readonly strays: Stray[];
  readonly faults: StorageFault[];
}

/** The hex of the blobs that have a directory. */
function listPrefix(found: Found, parent: string, algorithm: DigestAlgorithm, prefix: string): readonly string[] {
  const { faults } = found;
  try {
    counts.list++;
    const listed = listDirectory(`${found.root}/${parent}`);
    if (listed === undefined) throw new Error("gone since its parent was listed");
    for (const name of listed.files)
      if (isDigestHex(algorithm, name)) faults.push({ path: `${parent}/${name}`, cause: NOT_A_DIRECTORY });
      else addStray(found, `${parent}/${name}`);
    for (const { name, cause } of listed.unreadable) faults.push({ path: `${parent}/${name}`, cause });
    return listed.directories.filter((name) => {
      const isBlob = isDigestHex(algorithm, name) && name.startsWith(prefix);
      if (!isBlob) addStray(found, `${parent}/${name}`);
      return isBlob;
    });
  } catch (error) {
    faults.push({ path: parent, cause: causeOf(error) });
    return [];
  }
}

/** Notes the sizes of these blobs. Returns the directories of those that are there. */
function readSizes(found: Found, parent: string, hexes: readonly string[]): string[] {
  const stored: string[] = [];
  for (const hex of hexes) {
    const directory = `${parent}/${hex}`;
    if (readSize(found, directory, hex)) stored.push(directory);
  }
  return stored;
}

function readSize(found: Found, directory: string, hex: string): boolean {
  counts.head++;
  try {
    const stat = lstat(`${found.root}/${directory}/data`);
    if (stat === undefined) {
      listLeaf(found.root, directory, isData, (path) => addStray(found, path));
      return false;
    }
    if (!stat.isFile()) throw new Error("not a plain file");
    found.digests.push(hex);
    found.sizes.push(stat.size);
    found.modified.push(secondsOf(stat.mtimeMs));
    found.owners.add(stat, directory);
    return true;
  } catch (error) {
    found.faults.push({ path: `${directory}/data`, cause: causeOf(error) });
    return false;
  }
}

function addStray({ root, strays }: Found, path: string): void {
  const stray = strayAt(root, path);
  if (stray !== undefined) strays.push(stray);
}

function isData(name: string): boolean {
  return name === "data";
}
