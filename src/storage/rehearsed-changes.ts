import crypto from "node:crypto";
import pLimit from "p-limit";
import type { DigestAlgorithm } from "../registry/digest.js";
import type {
  ChangeOutcome,
  Hiding,
  Move,
  RemovedIfSame,
  RemovedWithDirectories,
  Standing,
  StorageChanges,
  StorageLook,
  StoredObject,
} from "./changes.js";
import { ancestorsOf } from "./parents.js";
import type { StorageRequests } from "./requests.js";

/** Objects that are looked at at a time. */
const AT_A_TIME = 16;

/** Where the content of an object is that has been pretended: elsewhere in the storage, here, or behind delete markers. */
type Pretended = { readonly from: string } | { readonly content: Uint8Array } | "shown again";

/**
 * What a dry run is given in the place of changes. It is given what looks, and nothing that changes: what it is asked to change, it remembers
 * and from then on answers as if it were done. So a dry run comes to the end that the same work would come to now. What a
 * storage would refuse when it is written to, it knows as far as looking tells: not what a bucket's policy denies.
 */
export class RehearsedChanges implements StorageChanges {
  /** By path; undefined for what has been removed. */
  readonly #pretended = new Map<string, Pretended | undefined>();
  /** What listings have shown, and the directories that they have shown whole. */
  readonly #listed = new Map<string, StoredObject>();
  readonly #whole = new Set<string>();
  readonly #unhidden = new Set<string>();

  constructor(private readonly look: StorageLook) {}

  get requests(): Readonly<StorageRequests> {
    return this.look.requests;
  }

  get isRemote(): boolean {
    // Nothing is read for a warning alone.
    return true;
  }

  keepsVersions(): Promise<boolean> {
    return this.look.keepsVersions();
  }

  mayHaveVersions(): Promise<boolean> {
    return this.look.mayHaveVersions();
  }

  cannotMoveTo(directory: string): Promise<string | undefined> {
    return this.look.cannotMoveTo(directory);
  }

  cannotWriteTo(directory: string): Promise<string | undefined> {
    return this.look.cannotWriteTo(directory);
  }

  emptyDirectories(directories: readonly string[]): ReturnType<StorageChanges["emptyDirectories"]> {
    return this.look.emptyDirectories(directories);
  }

  close(): Promise<void> {
    return this.look.close();
  }

  async hiding(paths: readonly string[]): Promise<readonly Hiding[]> {
    const found = await this.look.hiding(paths);
    return found.map(({ markers, written, bytes }, i) => ({
      markers: markers.filter((marker) => !this.#unhidden.has(markerKey(paths[i] ?? "", marker))),
      written,
      bytes,
    }));
  }

  async stat(path: string): Promise<StoredObject | undefined> {
    const place = this.#placeOf(path);
    if (place === undefined) return undefined;
    if (place === "shown again") return { path, bytes: 0, modified: now() };
    if ("content" in place) return { path, bytes: place.content.length, modified: now() };
    const stored = this.#isKnown(place.from) ? this.#listed.get(place.from) : await this.look.stat(place.from);
    return stored && { ...stored, path };
  }

  async read(path: string): Promise<Uint8Array | undefined> {
    const place = this.#placeOf(path);
    if (place === undefined || place === "shown again") return undefined;
    return "content" in place ? place.content : this.look.read(place.from);
  }

  async digest(path: string, algorithm: DigestAlgorithm): Promise<string | undefined> {
    const place = this.#placeOf(path);
    if (place === undefined || place === "shown again") return undefined;
    if ("from" in place) return this.look.digest(place.from, algorithm);
    return crypto.createHash(algorithm).update(place.content).digest("hex");
  }

  async *list(directory: string): AsyncGenerator<StoredObject> {
    for await (const stored of this.look.list(directory)) {
      this.#listed.set(stored.path, stored);
      if (!this.#pretended.has(stored.path)) yield stored;
    }
    this.#whole.add(directory);
    for (const [path, place] of this.#pretended) {
      const stored = place !== undefined && path.startsWith(`${directory}/`) ? await this.stat(path) : undefined;
      if (stored !== undefined) yield stored;
    }
  }

  remove(paths: readonly string[]): Promise<readonly ChangeOutcome[]> {
    return this.#each(paths, async (path) => {
      if ((await this.stat(path)) === undefined) return { path, status: "absent" };
      this.#pretended.set(path, undefined);
      return { path, status: "done" };
    });
  }

  async removeWithDirectories(paths: readonly string[]): Promise<RemovedWithDirectories> {
    return { outcomes: await this.remove(paths), left: [] };
  }

  async removeForGood(path: string, expected: Uint8Array): Promise<RemovedIfSame> {
    const stored = await this.read(path);
    if (stored === undefined) return { status: "absent" };
    if (!Buffer.from(stored).equals(expected)) return { status: "changed" };
    this.#pretended.set(path, undefined);
    return { status: "done" };
  }

  async unhide(markers: readonly { readonly path: string; readonly deleteMarker: string }[]): Promise<readonly ChangeOutcome[]> {
    return markers.map(({ path, deleteMarker }) => {
      this.#unhidden.add(markerKey(path, deleteMarker));
      this.#pretended.set(path, "shown again");
      return { path, status: "done" };
    });
  }

  move(moves: readonly Move[]): Promise<readonly ChangeOutcome[]> {
    return this.#each(moves, async ({ from, to }) => {
      const [source, there] = [await this.stat(from), await this.stat(to)];
      if (source === undefined) return { path: from, status: "absent" };
      if (there !== undefined && !(await this.#isSame(source, there)))
        return { path: from, status: "failed", found: "other", cause: `there is something else at ${to} already` };
      if (there === undefined) this.#pretended.set(to, this.#placeOf(from));
      this.#pretended.set(from, undefined);
      return { path: from, status: "done", bytes: source.bytes, ...(there === undefined ? {} : { found: "same" }) };
    });
  }

  async create(path: string, content: Uint8Array): Promise<"created" | "exists"> {
    if ((await this.stat(path)) !== undefined) return "exists";
    this.#pretended.set(path, { content });
    return "created";
  }

  async store(path: string, content: Uint8Array): Promise<void> {
    this.#pretended.set(path, { content });
  }

  async replace(path: string, expected: Uint8Array, content: Uint8Array): Promise<"replaced" | "changed" | "absent"> {
    const stored = await this.read(path);
    if (stored === undefined) return "absent";
    if (!Buffer.from(stored).equals(expected)) return "changed";
    this.#pretended.set(path, { content });
    return "replaced";
  }

  async makeDirectory(directory: string): Promise<boolean> {
    for await (const _ of this.list(directory)) return false;
    return !(await this.look.emptyDirectories([directory])).includes(directory);
  }

  async pruneDirectories(): Promise<readonly Standing[]> {
    return [];
  }

  async pass(): Promise<void> {
    // Nothing has been written that would have to wait.
  }

  async settle(): Promise<void> {
    // Nothing has been written.
  }

  async abortMultipartUploads(uploads: readonly { readonly path: string }[]): Promise<readonly ChangeOutcome[]> {
    return uploads.map(({ path }) => ({ path, status: "done" }));
  }

  #placeOf(path: string): Pretended | undefined {
    return this.#pretended.has(path) ? this.#pretended.get(path) : { from: path };
  }

  /** Whether a listing says all that there is to say of the object. */
  #isKnown(path: string): boolean {
    return this.#listed.has(path) || ancestorsOf(path).some((directory) => this.#whole.has(directory));
  }

  async #isSame(one: StoredObject, other: StoredObject): Promise<boolean> {
    return one.bytes === other.bytes && (await this.digest(one.path, "sha256")) === (await this.digest(other.path, "sha256"));
  }

  #each<T>(items: readonly T[], change: (item: T) => Promise<ChangeOutcome>): Promise<readonly ChangeOutcome[]> {
    return pLimit(AT_A_TIME).map(items, change);
  }
}

function markerKey(path: string, marker: string): string {
  return `${path}\n${marker}`;
}

/** Seconds since 1970. */
function now(): number {
  return Math.floor(Date.now() / 1000);
}
