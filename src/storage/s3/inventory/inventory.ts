import path from "node:path";
import { errorMessage, UsageError } from "../../../errors.js";
import { REPOSITORIES } from "../../../registry/layout.js";
import { makeTemporaryDirectory } from "../../../temporary-directory.js";
import type { TemporaryDirectory } from "../../../temporary-directory.js";
import { giveWay } from "../../../until-aborted.js";
import { StorageClosed } from "../../closed.js";
import { NO_BLOBS } from "../../listing.js";
import type { BlobBatch, RepositoryListing, StorageFault } from "../../listing.js";
import { RepositoryListingBuilder } from "../../listing-builder.js";
import type { LinkReader } from "../links.js";
import type { ListedObject } from "../page.js";
import { RepositoryReader } from "../repository-reader.js";
import { BlobSpill } from "./blob-spill.js";
import { csvRows } from "./csv-rows.js";
import { parseManifest } from "./manifest.js";
import type { InventoryFile, InventoryManifest } from "./manifest.js";
import { parquetRows } from "./parquet-rows.js";
import type { InventoryRows } from "./rows.js";
import type { InventorySource } from "./source.js";
import { RowSpill, SpillFile } from "./spill.js";

/** Bytes of an inventory's files for each bucket of repositories: these rows are in memory together. */
const BYTES_PER_BUCKET = 4 * 1024 ** 2;
const MOST_BUCKETS = 1024;

/** Whose inventory is expected. */
export interface InventoryScope {
  readonly bucket: string;
  /** What comes before the paths in a key. */
  readonly root: string;
}

/** What an inventory is. */
export interface InventoryFacts {
  /** What messages call it. */
  readonly name: string;
  /** Seconds since 1970: what changed after that is not in it. */
  readonly asOf: number;
}

/** A bucket's listing from an S3 Inventory: read once, checked, and put in order on the disk. */
export class Inventory {
  #found: { readonly facts: InventoryFacts; readonly manifest: InventoryManifest } | undefined;
  #read: { readonly blobs: BlobSpill; readonly rows: RowSpill; readonly file: SpillFile } | undefined;
  #reading: Promise<void> | undefined;
  readonly #faults: StorageFault[] = [];
  #hasBlobs = false;
  #hasRepositories = false;
  #directory: TemporaryDirectory | undefined;
  readonly #closing = new AbortController();

  constructor(
    private readonly source: InventorySource,
    private readonly scope: InventoryScope,
  ) {}

  /** Finds the manifest. Throws a `UsageError` for one that is of another bucket, or that cannot be read. */
  async open(): Promise<InventoryFacts> {
    const { name, text, folderTime } = await this.source.findManifest();
    const manifest = parseManifest(text, name);
    if (manifest.sourceBucket !== this.scope.bucket)
      throw new UsageError(`--inventory ${name}: it is of the bucket ${manifest.sourceBucket}, not of ${this.scope.bucket}`);
    // AWS writes when the scan began, Ceph when it ended: the earlier one is safe.
    const facts = { name, asOf: Math.floor(Math.min(manifest.created, folderTime ?? manifest.created)) };
    this.#found = { facts, manifest };
    return facts;
  }

  /** Reads all rows, once. Throws a `UsageError` where the registry is not in it: then its prefix is another one; and for what the local disk says. */
  read(): Promise<void> {
    return (this.#reading ??= this.#readAll());
  }

  async #readAll(): Promise<void> {
    if (this.#found === undefined) throw new Error("the inventory is not open");
    const { facts, manifest } = this.#found;
    this.#directory = makeTemporaryDirectory("inventory");
    const { path: directory } = this.#directory;
    try {
      const file = new SpillFile(path.join(directory, "rows"));
      const bytes = manifest.files.reduce((sum, { size = 0 }) => sum + size, 0);
      const buckets = Math.min(MOST_BUCKETS, 1 + Math.ceil(bytes / BYTES_PER_BUCKET));
      this.#read = { file, blobs: new BlobSpill(file, this.scope.root), rows: new RowSpill(file, buckets) };
      for (const one of manifest.files) await this.#readFile(one, manifest, directory);
    } finally {
      this.#directory.remove();
    }
    const missing = [this.#hasBlobs ? [] : ["blobs"], this.#hasRepositories ? [] : ["repositories"]].flat();
    if (missing.length > 0 && this.#faults.length === 0)
      throw new UsageError(
        `--inventory ${facts.name}: no key below ${this.scope.root}docker/registry/v2/${missing.join(" and ")}: its prefix does not cover the registry, or the root is another one`,
      );
  }

  *blobs(): Generator<BlobBatch> {
    if (this.#read === undefined) throw new Error("the inventory is not read");
    yield { ...NO_BLOBS, faults: this.#faults };
    yield* this.#read.blobs.batches();
  }

  async *repositories(links: LinkReader): AsyncGenerator<RepositoryListing> {
    if (this.#read === undefined) throw new Error("the inventory is not read");
    const { rows } = this.#read;
    for (let bucket = 0; bucket < rows.buckets; bucket++) {
      const objects = rows.read(bucket);
      const reader = new RepositoryReader(links, this.scope.root.length);
      yield* await reader.read(objects, true);
      const twice = this.#namedTwice(objects);
      if (twice !== undefined) yield twice;
    }
  }

  /** What is under way fails, and its files are gone. */
  close(): void {
    this.#closing.abort(new StorageClosed());
    this.source.close();
    this.#directory?.remove();
    this.#read?.file.close();
    this.#read = undefined;
  }

  async #readFile(file: InventoryFile, { format, columns }: InventoryManifest, directory: string): Promise<void> {
    try {
      const local = await this.source.fetch(file, directory);
      for await (const rows of format === "CSV" ? csvRows(local, columns) : parquetRows(local)) {
        this.#take(rows);
        await giveWay(this.#closing.signal);
      }
    } catch (error) {
      // The disk here is no fault of the inventory, and no file of it fares better.
      if (error instanceof UsageError || this.#closing.signal.aborted) throw error;
      this.#faults.push({ path: file.key, cause: `a file of the inventory cannot be used: ${errorMessage(error)}` });
    }
  }

  #take({ keys, sizes, etags, modified, archived }: InventoryRows): void {
    if (this.#read === undefined) return;
    const { blobs, rows } = this.#read;
    const repositories = Buffer.from(`${this.scope.root}${REPOSITORIES}/`);
    for (const [i, key] of keys.entries()) {
      const size = sizes[i] ?? 0;
      const time = Math.max(0, modified[i] ?? 0);
      if (startsWith(key, blobs.prefix)) {
        this.#hasBlobs = true;
        blobs.add(key, size, time);
        if (archived[i] === true) blobs.addArchived(key);
      } else if (startsWith(key, repositories)) {
        this.#hasRepositories = true;
        const row = { key, etag: etags[i] ?? NOTHING, size, modified: time, isArchived: archived[i] === true };
        rows.add(bucketOf(key, repositories.length, rows.buckets), row);
      }
    }
  }

  #namedTwice(objects: readonly ListedObject[]): RepositoryListing | undefined {
    const builder = new RepositoryListingBuilder("");
    for (const [i, { key }] of objects.entries())
      if (key === objects[i - 1]?.key)
        builder.addFault(key.slice(this.scope.root.length), "the inventory names it twice, so it cannot be trusted");
    const listing = builder.build();
    return listing.faults.length > 0 ? listing : undefined;
  }
}

const NOTHING = new Uint8Array();
const SLASH = 0x2f;
const UNDERSCORE = 0x5f;

function startsWith(key: Uint8Array, prefix: Uint8Array): boolean {
  // Backwards: what keys differ in comes at the end.
  for (let i = prefix.length - 1; i >= 0; i--) if (key[i] !== prefix[i]) return false;
  return true;
}

/** All keys of a repository go into one bucket: by its name, which ends at the first underscore that begins a component. */
function bucketOf(key: Uint8Array, start: number, buckets: number): number {
  let hash = 0x811c9dc5;
  for (let i = start; i < key.length; i++) {
    const byte = key[i] ?? 0;
    if (byte === SLASH && key[i + 1] === UNDERSCORE && i > start) return (hash >>> 0) % buckets;
    hash = Math.imul(hash ^ byte, 0x01000193);
  }
  return 0;
}
