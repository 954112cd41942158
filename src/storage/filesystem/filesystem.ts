import fs from "node:fs";
import path from "node:path";
import { concurrently } from "../../concurrently.js";
import { slices } from "../../slices.js";
import { DIGEST_WORDS, isDigestAlgorithm } from "../../registry/digest.js";
import type { DigestAlgorithm } from "../../registry/digest.js";
import { BLOBS, DATABASE_MARKER, PROXY_STATE, REPOSITORIES, repositoryPath, tagPath } from "../../registry/layout.js";
import type { StoredObject } from "../changes.js";
import { RepositoryListingBuilder } from "../listing-builder.js";
import { NO_BLOBS } from "../listing.js";
import type { BlobBatch, Expiration, MultipartListing, RepositoryListing, StorageFault, Stray } from "../listing.js";
import type { ManifestBatch } from "../manifest-damage.js";
import { mergeListings } from "../merge-listings.js";
import { mergeManifests } from "../merge-manifests.js";
import type { StorageRequests } from "../requests.js";
import type { LeafSearch, Storage, StorageMarkers } from "../storage.js";
import type { BlobSelection, VerifiedBlobs } from "../verification.js";
import { causeOf } from "../../system-errors.js";
import { listTopDirectory, NOT_A_DIRECTORY, NOT_FOLLOWED } from "./directory.js";
import { readProxyState } from "./proxy-state-file.js";
import { emptiedLinks } from "./emptied-links.js";
import { findRoot, isFile, isThere } from "./find-root.js";
import { listObjects } from "./list-objects.js";
import { modifiedTimes } from "./modified-times.js";
import { PlainPaths } from "./plain-paths.js";
import { WorkerPool } from "./pool.js";
import { readAgain } from "./read-again.js";
import type { UnfinishedListing } from "./read-again.js";
import type { RepositoryVisit } from "./scan-repository.js";
import { readStorageId } from "./storage-id.js";
import { strayAt } from "./stray.js";
import { threadsFor } from "./threads.js";
import type { Threads } from "./threads.js";

/** A unit of work is large enough to outweigh a message between threads (some 50 us), and small enough to be shared out. */
const MANIFESTS_PER_TASK = 128;
const PREFIXES_PER_TASK = 2;
const NAMES_PER_TASK = 16;
/** Where calls wait for a short time each, and there are many threads to share the work. */
const NAMES_WHERE_WAITING = 1;

/** Options of a filesystem storage. */
export interface FilesystemOptions {
  /** Reads or changes under way at a time; by default what `threadsFor` says. */
  readonly concurrency?: number | undefined;
}

/** A registry's storage in a directory: the driver `filesystem`. */
export class FilesystemStorage implements Storage {
  readonly driver = "filesystem";
  readonly remembersManifests = false;
  /** Its threads, which also change it. */
  readonly pool: WorkerPool;

  private constructor(
    readonly location: string,
    threads: Threads,
  ) {
    this.pool = new WorkerPool(location, threads);
  }

  /** `directory` is the registry's `rootdirectory`, or any directory from there down to `docker/registry/v2`. Throws a `UsageError`. */
  static open(directory: string, options: FilesystemOptions = {}): FilesystemStorage {
    const root = findRoot(directory);
    return new FilesystemStorage(root, threadsFor(root, options.concurrency));
  }

  /** Read anew each time: the first run that changes the storage writes it. */
  get id(): string | undefined {
    return readStorageId(this.location);
  }

  get requests(): Readonly<StorageRequests> {
    return this.pool.requests;
  }

  list(directory: string): AsyncIterable<StoredObject> {
    return listObjects(directory, new PlainPaths(this.location), this.pool.requests);
  }

  async markers(): Promise<StorageMarkers> {
    const exists = (name: string): boolean => isThere(path.join(this.location, name), this.location);
    return {
      hasBlobs: exists(BLOBS),
      hasRepositories: exists(REPOSITORIES),
      // A pull-through cache writes a file: a directory of that name is no sign of one.
      proxyState: isFile(path.join(this.location, PROXY_STATE), this.location),
      proxyStateProblem: readProxyState(path.join(this.location, PROXY_STATE)),
      database: exists(DATABASE_MARKER),
    };
  }

  async *blobs(leaves: LeafSearch = "some"): AsyncGenerator<BlobBatch> {
    const strays: Stray[] = [];
    const faults: StorageFault[] = [];
    const work: { algorithm: DigestAlgorithm; prefixes: readonly string[] }[] = [];
    for (const algorithm of this.#subdirectories(BLOBS, isDigestAlgorithm, strays, faults)) {
      const prefixes = this.#subdirectories(`${BLOBS}/${algorithm}`, isPrefix, strays, faults);
      for (const some of slices(prefixes, PREFIXES_PER_TASK)) work.push({ algorithm, prefixes: some });
    }
    yield { ...NO_BLOBS, strays, faults };
    yield* concurrently(
      () => this.pool.lookahead,
      () => {
        const next = work.pop();
        return next && this.pool.run<"blobs">({ kind: "blobs", ...next, leaves });
      },
    );
  }

  async *repositories(leaves: LeafSearch = "some"): AsyncGenerator<RepositoryListing> {
    const names = [""];
    const unfinished: UnfinishedListing[] = [];
    const visits = concurrently(
      () => this.pool.lookahead,
      () => {
        if (names.length === 0) return undefined;
        const share = Math.ceil(names.length / (this.pool.lookahead * 2));
        const most = this.pool.waitsBriefly ? NAMES_WHERE_WAITING : NAMES_PER_TASK;
        return this.#visit(names.splice(-Math.min(share, most)), leaves);
      },
    );
    for await (const visited of visits) {
      for (const { subdirectories, listings } of visited) {
        for (const name of subdirectories) names.push(name);
        const listing = mergeListings(listings);
        const emptied = emptiedLinks(listing);
        if (emptied.length > 0) unfinished.push({ listing, emptied });
        else if (holdsAnything(listing)) yield listing;
      }
    }
    yield* readAgain(this.pool, unfinished);
  }

  async repository(name: string): Promise<RepositoryListing> {
    const builder = new RepositoryListingBuilder(name);
    if (!this.#isDirectory(name, builder)) return builder.build();
    const [visited] = await this.#visit([name], "some");
    const listing = visited === undefined ? builder.build() : mergeListings(visited.listings);
    const emptied = emptiedLinks(listing);
    if (emptied.length === 0) return listing;
    for await (const again of readAgain(this.pool, [{ listing, emptied }])) return again;
    return listing;
  }

  /** Whether a repository of this name may be there. Nothing on the way to it may lead out of the storage (safety rule 10). */
  #isDirectory(name: string, builder: RepositoryListingBuilder): boolean {
    const segments = name.split("/");
    if (segments.some((segment) => segment === "" || segment === "." || segment.startsWith("_") || segment === ".."))
      return false;
    for (const i of segments.keys()) {
      const directory = repositoryPath(segments.slice(0, i + 1).join("/"));
      try {
        this.pool.requests.head++;
        const stat = fs.lstatSync(path.join(this.location, directory), { throwIfNoEntry: false });
        if (stat === undefined) return false;
        if (stat.isDirectory()) continue;
        builder.addFault(directory, NOT_FOLLOWED);
      } catch (error) {
        builder.addFault(directory, causeOf(error));
      }
      return false;
    }
    return true;
  }

  async readManifests(algorithm: DigestAlgorithm, digests: Uint32Array, listedBytes?: Float64Array): Promise<ManifestBatch> {
    const width = DIGEST_WORDS[algorithm];
    const parts: Promise<ManifestBatch>[] = [];
    for (let first = 0; first * width < digests.length; first += MANIFESTS_PER_TASK) {
      const end = first + MANIFESTS_PER_TASK;
      const some = { digests: digests.slice(first * width, end * width), listedBytes: listedBytes?.slice(first, end) };
      parts.push(this.pool.run<"manifests">({ kind: "manifests", algorithm, ...some }));
    }
    return mergeManifests(await Promise.all(parts));
  }

  async multipartUploads(): Promise<MultipartListing> {
    return { uploads: [], faults: [] };
  }

  async expirations(): Promise<readonly Expiration[]> {
    return [];
  }

  modified(paths: readonly string[]): Promise<readonly (number | StorageFault)[]> {
    return modifiedTimes(this.pool, paths);
  }

  /** A repository's listing looks at the paths that the layout knows, and at no others. */
  filesOfTags({ name }: RepositoryListing, tags: readonly string[]): Promise<readonly (readonly string[] | StorageFault)[]> {
    return this.pool.run<"files">({ kind: "files", directories: tags.map((tag) => tagPath(name, tag)) });
  }

  async *verifyBlobs(selections: Iterable<BlobSelection>, onBytes: (bytes: number) => void): AsyncGenerator<VerifiedBlobs> {
    const iterator = selections[Symbol.iterator]();
    yield* concurrently(this.pool.threads.verifiers, () => {
      const next = iterator.next();
      return next.done === true ? undefined : this.pool.run<"verify">({ kind: "verify", selection: next.value }, { onBytes });
    });
  }

  close(): Promise<void> {
    return this.pool.close();
  }

  async #visit(
    names: readonly string[],
    leaves: LeafSearch,
  ): Promise<{ subdirectories: readonly string[]; listings: readonly RepositoryListing[] }[]> {
    const visits = await this.pool.run<"repositories">({ kind: "repositories", names, leaves });
    return Promise.all(visits.map((visit) => this.#complete(visit, leaves)));
  }

  /** Reads the rest of a repository that was too large for one visit. */
  async #complete({ subdirectories, listing, rest }: RepositoryVisit, leaves: LeafSearch) {
    const { name } = listing;
    const parts = await Promise.all(rest.map((work) => this.pool.run<"links">({ kind: "links", name, work, leaves })));
    return { subdirectories, listings: [listing, ...parts] };
  }

  /** The directories in `blobs` or one of its algorithms', both of which are made of directories with known names. */
  #subdirectories<Name extends string>(
    parent: string,
    isName: (name: string) => name is Name,
    strays: Stray[],
    faults: StorageFault[],
  ): readonly Name[] {
    const addStray = (stray: string): void => {
      const found = strayAt(this.location, stray);
      if (found !== undefined) strays.push(found);
    };
    try {
      const listed = listTopDirectory(path.join(this.location, parent));
      for (const file of listed?.files ?? [])
        if (isName(file)) faults.push({ path: `${parent}/${file}`, cause: NOT_A_DIRECTORY });
        else addStray(`${parent}/${file}`);
      for (const { name, cause } of listed?.unreadable ?? []) faults.push({ path: `${parent}/${name}`, cause });
      for (const name of listed?.directories ?? []) if (!isName(name)) addStray(`${parent}/${name}`);
      return listed?.directories.filter(isName) ?? [];
    } catch (error) {
      faults.push({ path: parent, cause: causeOf(error) });
      return [];
    }
  }
}

/** The first two digits of digests. */
function isPrefix(name: string): name is string {
  return /^[0-9a-f]{2}$/.test(name);
}

/** An empty directory is no repository: deleting the last tag of `team/app` leaves `team`. */
function holdsAnything(listing: RepositoryListing): boolean {
  return listing.isRepository || listing.strays.length > 0 || listing.faults.length > 0;
}
