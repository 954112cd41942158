import { NOBODY, SHARED } from "../mark/blob-table.js";
import type { Finding } from "../mark/finding.js";
import type { Marked } from "../mark/marked.js";
import { isGarbage, MANIFEST, selectedVariant } from "../mark/policy.js";
import type { Policy } from "../mark/policy.js";
import { blobPath } from "../registry/layout.js";

/** Findings that are made as they are asked for, and counted without. */
export interface CountedFindings extends Iterable<Finding> {
  readonly count: number;
  readonly bytes: number;
}

/** The unreferenced blobs, straight from the table. */
export class BlobFindings implements CountedFindings {
  readonly count: number;
  readonly bytes: number;
  /** By owner's number. */
  readonly counts = new Map<number, number>();

  constructor(
    private readonly marked: Marked,
    private readonly policy: Policy,
    private readonly includes: ((id: number) => boolean) | undefined,
    /** Only manifests, or only what is none; all where it is not said. */
    private readonly isManifest?: boolean,
  ) {
    let count = 0;
    let bytes = 0;
    marked.table.forEach((id, size, modified) => {
      if (!this.#includes(id, modified)) return;
      const owner = marked.table.owner(id);
      this.counts.set(owner, (this.counts.get(owner) ?? 0) + 1);
      count++;
      bytes += size;
    });
    this.count = count;
    this.bytes = bytes;
  }

  *[Symbol.iterator](): Generator<Finding> {
    const { table } = this.marked;
    for (let id = 0; id < table.count; id++) {
      if (!this.#includes(id, table.modified(id))) continue;
      const digest = table.digest(id);
      yield {
        code: "blob-unreferenced",
        path: blobPath(digest),
        repository: this.#repository(id),
        digest,
        bytes: table.size(id),
        isManifest: (table.marks(id) & MANIFEST) !== 0,
        reclaimable: true,
      };
    }
  }

  #includes(id: number, modified: number): boolean {
    const marks = this.marked.table.marks(id);
    if (this.isManifest !== undefined && this.isManifest !== ((marks & MANIFEST) !== 0)) return false;
    if (!isGarbage(marks, selectedVariant(this.policy), this.policy, modified)) return false;
    return this.includes?.(id) !== false;
  }

  #repository(id: number): string | undefined {
    const owner = this.marked.table.owner(id);
    return owner === NOBODY || owner === SHARED ? undefined : this.marked.repositories[owner - 1]?.name;
  }
}
