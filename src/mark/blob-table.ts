import { elementAt, noElement } from "../element-at.js";
import { ALGORITHMS, Digest, DIGEST_WORDS } from "../registry/digest.js";
import type { DigestAlgorithm } from "../registry/digest.js";
import type { BlobBatch } from "../storage/listing.js";
import { DigestTable } from "./digest-table.js";

/** Owners of blobs that no repository's link names, and of those that several do. */
export const NOBODY = 0;
export const SHARED = 0xffffffff;
/** Of those that several do, a repository among them that a filter leaves out. */
const SHARED_OUTSIDE = 0xfffffffe;

/** For one digest at a time. */
const scratch = new Uint32Array(DIGEST_WORDS.sha512);

/**
 * Every digest of the registry as a number. Stored blobs have the numbers from 0 to `count - 1`; digests that are only referred to
 * get numbers from `count` on as they come up. Marks and owners are kept by number: 50 bytes a blob in all.
 */
export class BlobTable {
  /** Number of stored blobs. */
  readonly count: number;
  readonly #tables: readonly { readonly algorithm: DigestAlgorithm; readonly table: DigestTable; readonly start: number }[];
  readonly #marks: Uint16Array;
  readonly #owners: Uint32Array;
  readonly #outside = new Set<number>();
  readonly #absent: Digest[] = [];
  /** By the first byte: a registry may lack more than the 16.7 million entries of one map, such as platforms that were never pulled. */
  readonly #absentIds = Array.from({ length: 256 }, () => new Map<string, number>());

  private constructor(tables: readonly DigestTable[]) {
    let start = 0;
    this.#tables = tables.map((table) => {
      const entry = { algorithm: table.algorithm, table, start };
      start += table.count;
      return entry;
    });
    this.count = start;
    this.#marks = new Uint16Array(start);
    this.#owners = new Uint32Array(start);
  }

  /** Collects the batches of an inventory. `duplicates` counts blobs that were listed twice. */
  static builder() {
    const builders = new Map(ALGORITHMS.map((algorithm) => [algorithm, DigestTable.builder(algorithm)]));
    return {
      add: (batch: BlobBatch): void => builders.get(batch.algorithm)?.add(batch),
      build: (): { readonly table: BlobTable; readonly duplicates: number } => {
        const built = Array.from(builders.values(), (builder) => builder.build());
        return {
          table: new BlobTable(built.map(({ table }) => table)),
          duplicates: built.reduce((sum, { duplicates }) => sum + duplicates, 0),
        };
      },
    };
  }

  /** The number of the digest at `words[at …]`, stored or not. */
  idOf(algorithm: DigestAlgorithm, words: Uint32Array, at: number): number {
    const entry = this.#tables[ALGORITHMS.indexOf(algorithm)];
    const index = entry?.table.find(words, at) ?? -1;
    if (entry !== undefined && index >= 0) return entry.start + index;
    return this.#absentId(Digest.fromWords(algorithm, words, at));
  }

  /** The same for each digest that begins at one of `positions`, several times as fast in a large registry. */
  idsOf(algorithm: DigestAlgorithm, words: Uint32Array, positions: Uint32Array): Uint32Array {
    const { table, start } = elementAt(this.#tables, ALGORITHMS.indexOf(algorithm));
    const found = table.findAll(words, positions);
    const ids = new Uint32Array(found.buffer);
    for (let i = 0; i < ids.length; i++) {
      const index = elementAt(found, i);
      ids[i] = index >= 0 ? start + index : this.#absentId(Digest.fromWords(algorithm, words, elementAt(positions, i)));
    }
    return ids;
  }

  /** The number of a digest. */
  idOfDigest(digest: Digest): number {
    return this.idOf(digest.algorithm, digest.toWords(), 0);
  }

  /**
   * Numbers of at most `limit` digests, stored or referred to, whose hex begins with `prefix`: of two characters or more, and of any
   * algorithm unless one is given.
   */
  withPrefix(prefix: string, algorithm: DigestAlgorithm | undefined, limit: number): number[] {
    const found = this.#tables
      .filter((entry) => algorithm === undefined || entry.algorithm === algorithm)
      .flatMap(({ table, start }) => table.withPrefix(prefix, limit).map((index) => start + index));
    for (const [i, digest] of this.#absent.entries()) {
      if (found.length >= limit) break;
      if ((algorithm ?? digest.algorithm) === digest.algorithm && digest.hex.startsWith(prefix)) found.push(this.count + i);
    }
    return found.slice(0, limit);
  }

  #absentId(digest: Digest): number {
    const key = digest.toString();
    const ids = elementAt(this.#absentIds, Number.parseInt(digest.hex.slice(0, 2), 16));
    const known = ids.get(key);
    if (known !== undefined) return known;
    const id = this.count + this.#absent.push(digest) - 1;
    ids.set(key, id);
    return id;
  }

  /** Whether the blob with this number is in the storage. */
  isStored(id: number): boolean {
    return id < this.count;
  }

  digest(id: number): Digest {
    if (id >= this.count) return elementAt(this.#absent, id - this.count);
    const { algorithm, table, start } = this.#tableOf(id);
    table.copyWords(id - start, scratch, 0);
    return Digest.fromWords(algorithm, scratch, 0);
  }

  /** Copies the words of a digest. */
  copyWords(id: number, target: Uint32Array, at: number): void {
    if (id >= this.count) {
      target.set(elementAt(this.#absent, id - this.count).toWords(), at);
      return;
    }
    const { table, start } = this.#tableOf(id);
    table.copyWords(id - start, target, at);
  }

  algorithm(id: number): DigestAlgorithm {
    return id < this.count ? this.#tableOf(id).algorithm : this.digest(id).algorithm;
  }

  /** Bytes of a stored blob. */
  size(id: number): number {
    const { table, start } = this.#tableOf(id);
    return table.size(id - start);
  }

  /** When a stored blob was written, in seconds since 1970. */
  modified(id: number): number {
    const { table, start } = this.#tableOf(id);
    return table.modified(id - start);
  }

  /** Adds mark bits to a blob; nothing happens for one that is not stored. */
  mark(id: number, bits: number): this {
    if (id < this.count) this.#marks[id] = (this.#marks[id] ?? noElement(id, this.#marks)) | bits;
    return this;
  }

  /** The mark bits of a stored blob. Throws for any other: without bits it would be garbage. */
  marks(id: number): number {
    return this.#marks[id] ?? noElement(id, this.#marks);
  }

  /** Notes that a link of repository number `owner` names the blob. */
  own(id: number, owner: number): void {
    if (id >= this.count) return;
    const before = this.#owners[id] ?? NOBODY;
    if (before === owner || before === SHARED_OUTSIDE) return;
    const isOutside = this.#outside.has(before) || this.#outside.has(owner);
    this.#owners[id] = before === NOBODY ? owner : isOutside ? SHARED_OUTSIDE : SHARED;
  }

  /** Says that a filter leaves this repository out, before it owns anything. */
  leaveOut(owner: number): void {
    this.#outside.add(owner);
  }

  /** Whether a filter leaves the repository out. */
  isLeftOut(owner: number): boolean {
    return this.#outside.has(owner);
  }

  /** Whether links name the blob, and none of a repository that a filter leaves out. */
  isWithin(id: number): boolean {
    const owner = this.#owners[id] ?? NOBODY;
    return owner !== NOBODY && owner !== SHARED_OUTSIDE && !this.#outside.has(owner);
  }

  /** The only repository whose links name the blob, by number; `NOBODY` or `SHARED` otherwise. */
  owner(id: number): number {
    const owner = this.#owners[id] ?? NOBODY;
    return owner === SHARED_OUTSIDE ? SHARED : owner;
  }

  /** Calls `visit` for each stored blob: number, bytes, modified in seconds. */
  forEach(visit: (id: number, size: number, modified: number) => void): void {
    for (const { table, start } of this.#tables) table.forEach((index, size, modified) => visit(start + index, size, modified));
  }

  #tableOf(id: number) {
    for (const entry of this.#tables) if (id >= entry.start && id < entry.start + entry.table.count) return entry;
    throw new RangeError(`no stored blob has the number ${id}`);
  }
}
