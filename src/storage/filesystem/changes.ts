import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import type { DigestAlgorithm } from "../../registry/digest.js";
import type {
  ChangeOutcome,
  Hiding,
  Move,
  Order,
  RemovedIfSame,
  RemovedWithDirectories,
  Standing,
  StorageChanges,
  StoredObject,
} from "../changes.js";
import type { StorageRequests } from "../requests.js";
import { whyNoMove } from "./can-move.js";
import { whyNoWrite } from "./can-write.js";
import { ChangeThreads } from "./change-threads.js";
import { noRequests } from "../requests.js";
import { syncDirectory } from "../../durable-files.js";
import { causeOf, isAbsent } from "../../system-errors.js";
import { changeError } from "./directory.js";
import { listObjects, statObject } from "./list-objects.js";
import { ObjectChanges } from "./object-changes.js";
import type { ChangedObjects } from "./object-changes.js";
import { PlainPaths } from "./plain-paths.js";
import type { WorkerPool } from "./pool.js";
import { createFile, makeDirectories, readFile, replaceFile } from "./write-file.js";

/**
 * Changes to a registry's storage in a directory, by synchronous calls: in the main thread, where a batch of a thousand takes some 20 ms
 * if all is cached, and in the threads that read the storage where the order of a large batch does not matter.
 */
export class FilesystemChanges implements StorageChanges {
  readonly requests: StorageRequests = noRequests();
  readonly isRemote = false;
  readonly #paths: PlainPaths;
  readonly #mainThread: ObjectChanges;
  readonly #threads: ChangeThreads | undefined;
  /** The directories that were changed last, absolute: one for each part of the latest batch. */
  #lastChanged: readonly string[] = [];

  /** `root` is an absolute path. Without a pool, which whoever has made it closes, the main thread does all. */
  constructor(root: string, pool?: WorkerPool) {
    this.#paths = new PlainPaths(root);
    this.#mainThread = new ObjectChanges(this.#paths, this.requests);
    this.#threads = pool && new ChangeThreads(pool, this.requests);
  }

  async keepsVersions(): Promise<boolean> {
    return false;
  }

  async mayHaveVersions(): Promise<boolean> {
    return false;
  }

  async remove(paths: readonly string[], order: Order = "in order"): Promise<readonly ChangeOutcome[]> {
    const threads = this.#threadsFor(paths, order);
    return this.#merge(threads === undefined ? [this.#mainThread.remove(paths)] : await threads.remove(paths));
  }

  async removeWithDirectories(paths: readonly string[]): Promise<RemovedWithDirectories> {
    const threads = this.#threadsFor(paths, "any order");
    const parts =
      threads === undefined ? [this.#mainThread.removeWithDirectories(paths)] : await threads.removeWithDirectories(paths);
    return { outcomes: this.#merge(parts), left: parts.flatMap(({ left }) => left) };
  }

  async removeForGood(file: string, expected: Uint8Array): Promise<RemovedIfSame> {
    try {
      // No system call removes a file by its content: nothing of this thread comes between these two.
      if (!readFile(this.#paths.resolve(file)).equals(expected)) return { status: "changed" };
    } catch (error) {
      return isAbsent(error) ? { status: "absent" } : { status: "failed", cause: causeOf(error) };
    }
    const { outcomes } = this.#mainThread.remove([file]);
    const { status = "failed", cause = "no answer" } = outcomes[0] ?? {};
    return status === "failed" ? { status, cause } : { status };
  }

  async unhide(): Promise<readonly ChangeOutcome[]> {
    throw new Error("a filesystem keeps no versions");
  }

  async hiding(): Promise<readonly Hiding[]> {
    throw new Error("a filesystem keeps no versions");
  }

  async cannotMoveTo(directory: string): Promise<string | undefined> {
    return whyNoMove(directory, this.#paths);
  }

  async cannotWriteTo(directory: string): Promise<string | undefined> {
    return whyNoWrite(directory, this.#paths);
  }

  async move(moves: readonly Move[], order: Order = "in order"): Promise<readonly ChangeOutcome[]> {
    const threads = this.#threadsFor(moves, order);
    return this.#merge(threads === undefined ? [this.#mainThread.move(moves)] : await threads.move(moves, this.#mainThread));
  }

  async create(file: string, content: Uint8Array, modified?: number): Promise<"created" | "exists"> {
    try {
      this.requests.put++;
      return createFile(this.#paths.resolve(file), content, modified) ? "created" : "exists";
    } catch (error) {
      throw changeError(file, error);
    }
  }

  async store(file: string, content: Uint8Array): Promise<void> {
    await this.create(file, content);
  }

  async replace(
    file: string,
    expected: Uint8Array,
    content: Uint8Array,
    modified?: number,
  ): Promise<"replaced" | "changed" | "absent"> {
    try {
      this.requests.put++;
      return replaceFile(this.#paths.resolve(file), expected, content, modified);
    } catch (error) {
      throw changeError(file, error);
    }
  }

  async stat(file: string): Promise<StoredObject | undefined> {
    return statObject(file, this.#paths, this.requests);
  }

  async read(file: string): Promise<Uint8Array | undefined> {
    try {
      this.requests.get++;
      return readFile(this.#paths.resolve(file));
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw changeError(file, error);
    }
  }

  async digest(file: string, algorithm: DigestAlgorithm): Promise<string | undefined> {
    const hash = crypto.createHash(algorithm);
    try {
      this.requests.get++;
      await pipeline(fs.createReadStream(this.#paths.resolve(file)), hash);
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw changeError(file, error);
    }
    return hash.digest("hex");
  }

  list(directory: string): AsyncIterable<StoredObject> {
    return listObjects(directory, this.#paths, this.requests);
  }

  async pruneDirectories(directories: readonly string[], order: Order = "in order"): Promise<readonly Standing[]> {
    return (this.#threadsFor(directories, order) ?? this.#mainThread).prune(directories);
  }

  async emptyDirectories(directories: readonly string[]): Promise<readonly string[]> {
    return this.#mainThread.emptyDirectories(directories);
  }

  async makeDirectory(directory: string): Promise<boolean> {
    try {
      return makeDirectories(this.#paths.resolve(directory)) !== undefined;
    } catch (error) {
      throw changeError(directory, error);
    }
  }

  async abortMultipartUploads(): Promise<readonly ChangeOutcome[]> {
    return [];
  }

  /**
   * Filesystems that survive a power cut at all keep their changes in a log, in order: the directory that was changed last is on the disk
   * only if everything before it is. In a batch that threads have shared it is not known which of them came last: each one's last it is
   * then. For the same reason a power cut without this loses the end of a sweep, never its middle: nothing is lost in a move, whose
   * link comes before its unlink, and what threads do at the same time may go in any order.
   */
  async settle(): Promise<void> {
    for (const directory of new Set(this.#lastChanged.map((changed) => this.#standing(changed)))) {
      try {
        syncDirectory(directory);
      } catch (error) {
        throw changeError(path.relative(this.#paths.root, directory), error);
      }
    }
  }

  async pass(): Promise<void> {}

  async close(): Promise<void> {}

  #threadsFor(batch: readonly (string | Move)[], order: Order): ChangeThreads | undefined {
    return this.#threads?.areFor(batch, order) === true ? this.#threads : undefined;
  }

  /** What the outcomes of a batch's parts are together, in the order asked for. */
  #merge(parts: readonly ChangedObjects[]): readonly ChangeOutcome[] {
    const changed = parts.flatMap(({ lastChanged }) => lastChanged ?? []);
    if (changed.length > 0) this.#lastChanged = changed;
    return parts.flatMap(({ outcomes }) => outcomes);
  }

  /** Emptied directories are removed at once; the change is then that of the first one above them that is still there. */
  #standing(changed: string): string {
    let directory = changed;
    while (directory !== this.#paths.root && !fs.existsSync(directory)) directory = path.dirname(directory);
    return directory;
  }
}
