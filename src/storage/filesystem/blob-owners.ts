import type { Stats } from "node:fs";
import type { BlobOwner } from "../listing.js";

/** So many closed files of one user in a batch, more than half of all, are how the registry writes, and no exceptions to be named. */
const MANY = 256;

const OWNER_READS = 0o400;
const OTHERS_READ = 0o044;

/** Collects who may read the blobs of a batch, from what `lstat` says of them anyway. */
export class BlobOwners {
  readonly #owners = new Map<number, { count: number; readonly closedToOwner: string[]; readonly closedToOthers: string[] }>();
  #count = 0;

  /** `directory` is the blob's. */
  add({ uid, mode }: Stats, directory: string): void {
    let owner = this.#owners.get(uid);
    if (owner === undefined) this.#owners.set(uid, (owner = { count: 0, closedToOwner: [], closedToOthers: [] }));
    this.#count++;
    owner.count++;
    if ((mode & OWNER_READS) === 0) owner.closedToOwner.push(`${directory}/data`);
    if ((mode & OTHERS_READ) === 0) owner.closedToOthers.push(`${directory}/data`);
  }

  build(): BlobOwner[] {
    return Array.from(this.#owners, ([user, { count, closedToOwner, closedToOthers }]) => {
      const isUsual = closedToOthers.length > MANY && closedToOthers.length * 2 > this.#count;
      return { user, count, closedToOwner, closedToOthers: isUsual ? [] : closedToOthers };
    });
  }
}
