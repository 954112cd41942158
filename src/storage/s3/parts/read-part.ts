import { concurrently } from "../../../concurrently.js";
import { Digest } from "../../../registry/digest.js";
import { blobPath, MANIFESTS_DIRECTORY, REPOSITORIES, REVISIONS_DIRECTORY } from "../../../registry/layout.js";
import type { StorageFault } from "../../listing.js";
import type { BucketReader } from "../bucket-reader.js";
import { causeOf } from "../errors.js";
import type { ManifestCache } from "../manifest-cache.js";
import { tokenBehind } from "../page.js";
import { readManifest } from "../read-manifests.js";
import { beginOf, placeIn } from "./part.js";
import type { Part } from "./part.js";

/** The result of reading a part, and its progress. */
export interface PartRead {
  /** Repositories that were looked into. */
  repositories: number;
  /** Manifests that were read. */
  read: number;
  /** Manifests that an earlier run had read. */
  known: number;
  /** Missing, corrupt or invalid: of these nothing is kept, and a check looks for them itself. */
  damaged: number;
  /** What could not be listed or read. */
  readonly faults: StorageFault[];
}

type Job = () => Promise<void>;

/**
 * Reads the manifests of a part into the cache, but those that are there already: all that a repository has a revision link for. Lists the
 * directories that repositories lie in and, in each repository, the links of this part alone; no layer links, tags or blobs.
 */
export async function readPart(
  { bucket, root }: { readonly bucket: BucketReader; readonly root: string },
  cache: ManifestCache,
  part: Part,
  onProgress: (progress: Readonly<PartRead>) => void = () => {},
): Promise<PartRead> {
  const reader = new PartReader(bucket, root, cache, part);
  for await (const _ of concurrently(bucket.limit.most, () => reader.next())) onProgress(reader.progress);
  return reader.progress;
}

class PartReader {
  readonly progress: PartRead = { repositories: 0, read: 0, known: 0, damaged: 0, faults: [] };
  /** Digests to read, by hex: before more is listed. */
  readonly #wanted: string[] = [];
  /** Pages to list: the last one first, so that a repository is done before the next one. */
  readonly #listings: Job[];
  /** Digests that are wanted or were read since the cache was last asked for them: several repositories may have one manifest. */
  readonly #seen = new Set<string>();

  constructor(
    private readonly bucket: BucketReader,
    private readonly root: string,
    private readonly cache: ManifestCache,
    private readonly part: Part,
  ) {
    this.#listings = [() => this.#listDirectory(`${root}${REPOSITORIES}/`)];
  }

  next(): Promise<void> | undefined {
    const hex = this.#wanted.pop();
    return hex === undefined ? this.#listings.pop()?.() : this.#readManifest(hex);
  }

  async #listDirectory(directory: string, token?: string): Promise<void> {
    await this.#orFault(directory, async () => {
      const page = await this.bucket.list({ prefix: directory, delimiter: "/", token });
      for (const prefix of page.prefixes) {
        const name = prefix.slice(directory.length, -1);
        if (name === MANIFESTS_DIRECTORY) {
          this.progress.repositories++;
          const revisions = `${directory}${REVISIONS_DIRECTORY}/sha256/`;
          this.#listings.push(() => this.#listRevisions(revisions));
        } else if (!name.startsWith("_")) this.#listings.push(() => this.#listDirectory(prefix));
      }
      if (page.isTruncated) {
        const next = tokenBehind(page, token);
        this.#listings.push(() => this.#listDirectory(directory, next));
      }
    });
  }

  async #listRevisions(revisions: string, token?: string): Promise<void> {
    await this.#orFault(revisions, async () => {
      const begin = beginOf(this.part);
      const startAfter = begin === undefined ? undefined : `${revisions}${begin}`;
      const page = await this.bucket.list({ prefix: revisions, startAfter, token });
      let isBehind = false;
      for (const { key } of page.objects) {
        const [, hex] = LINK.exec(key.slice(revisions.length)) ?? [];
        const place = hex === undefined ? -1 : placeIn(this.part, hex);
        isBehind = place > 0;
        if (isBehind) break;
        if (place === 0 && hex !== undefined) this.#want(hex);
      }
      if (page.isTruncated && !isBehind) {
        const next = tokenBehind(page, token);
        this.#listings.push(() => this.#listRevisions(revisions, next));
      }
    });
  }

  #want(hex: string): void {
    const digest = Digest.fromParts("sha256", hex);
    if (digest === undefined || this.#seen.has(hex)) return;
    if (this.#seen.size >= MOST_SEEN) this.#seen.clear();
    this.#seen.add(hex);
    if (this.cache.has(digest)) this.progress.known++;
    else this.#wanted.push(hex);
  }

  async #readManifest(hex: string): Promise<void> {
    const digest = Digest.fromParts("sha256", hex);
    if (digest === undefined) return;
    const manifest = await readManifest(this.bucket, this.root, digest);
    if ("words" in manifest) {
      this.cache.add(digest, manifest);
      this.cache.throwFailure();
      this.progress.read++;
    } else if (manifest.damage.kind === "unreadable")
      this.progress.faults.push({ path: blobPath(digest), cause: manifest.damage.cause });
    else this.progress.damaged++;
  }

  async #orFault(prefix: string, list: Job): Promise<void> {
    try {
      await list();
    } catch (error) {
      this.progress.faults.push({ path: prefix.slice(this.root.length), cause: causeOf(error) });
    }
  }
}

const LINK = /^([0-9a-f]{64})\/link$/;

/** Some 100 bytes each. What is forgotten is in the cache by then, or is read twice. */
const MOST_SEEN = 1_000_000;
