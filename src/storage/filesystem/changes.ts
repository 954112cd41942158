import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { EXIT_CODES, OperatorError } from "../../errors.js";
import type { DigestAlgorithm } from "../../registry/digest.js";
import { BLOBS, REPOSITORIES } from "../../registry/layout.js";
import type { ChangeOutcome, Hiding, Move, OutcomeOfOne, StorageChanges, StoredObject } from "../changes.js";
import type { StorageRequests } from "../storage.js";
import { causeOf, isAbsent } from "./directory.js";
import { moveFile } from "./move-file.js";
import { createFile, makeDirectories, readFile, replaceFile } from "./write-file.js";

const MOST_PLAIN = 10_000;

/** Changes to a registry's storage in a directory. Synchronous calls: a batch of a thousand takes some 30 ms. */
export class FilesystemChanges implements StorageChanges {
  readonly requests: StorageRequests = { list: 0, get: 0, head: 0, put: 0, delete: 0 };
  /** Directories that are known not to be symbolic links. */
  readonly #plain = new Set<string>();
  /** The directory that was changed last, absolute. */
  #lastChanged: string | undefined;

  constructor(
    /** An absolute path. */
    private readonly root: string,
  ) {}

  async keepsVersions(): Promise<boolean> {
    return false;
  }

  async remove(paths: readonly string[]): Promise<readonly ChangeOutcome[]> {
    return paths.map((file) =>
      outcomeOf(file, () => {
        this.requests.delete++;
        const target = this.#resolve(file);
        fs.unlinkSync(target);
        this.#lastChanged = path.dirname(target);
        return { status: "done" };
      }),
    );
  }

  async unhide(): Promise<readonly ChangeOutcome[]> {
    throw new Error("a filesystem keeps no versions");
  }

  async hiding(): Promise<readonly Hiding[]> {
    throw new Error("a filesystem keeps no versions");
  }

  /** A move links: to the same device, and below no symbolic link. */
  async cannotMoveTo(directory: string): Promise<string | undefined> {
    let { dev } = fs.statSync(this.root);
    for (const at of [...ancestorsOf(directory), directory]) {
      const stat = fs.lstatSync(this.#absolute(at), { throwIfNoEntry: false });
      if (stat === undefined) break;
      if (!stat.isDirectory())
        return `${this.#absolute(at)} is ${stat.isSymbolicLink() ? "a symbolic link, which is not followed" : "no directory"}`;
      ({ dev } = stat);
    }
    for (const source of [BLOBS, REPOSITORIES]) {
      const stat = fs.statSync(this.#absolute(source), { throwIfNoEntry: false });
      if (stat !== undefined && stat.dev !== dev)
        return `${this.#absolute(directory)} is on another device than ${this.#absolute(source)}`;
    }
    return undefined;
  }

  async move(moves: readonly Move[]): Promise<readonly ChangeOutcome[]> {
    return moves.map(({ from, to }) =>
      outcomeOf(from, () => {
        this.requests.put++;
        const target = this.#resolve(to);
        const source = this.#resolve(from);
        if (fs.lstatSync(source, { throwIfNoEntry: false }) === undefined) return { status: "absent" };
        makeDirectories(path.dirname(target));
        const found = moveFile(source, target);
        this.#lastChanged = path.dirname(source);
        if (found !== "other") return { status: "done", found };
        return { status: "failed", found, cause: `there is something else at ${to} already` };
      }),
    );
  }

  async create(file: string, content: Uint8Array): Promise<"created" | "exists"> {
    const target = this.#resolve(file);
    try {
      this.requests.put++;
      return createFile(target, content) ? "created" : "exists";
    } catch (error) {
      throw changeError(file, error);
    }
  }

  async replace(file: string, expected: Uint8Array, content: Uint8Array): Promise<"replaced" | "changed" | "absent"> {
    const target = this.#resolve(file);
    try {
      this.requests.put++;
      return replaceFile(target, expected, content);
    } catch (error) {
      throw changeError(file, error);
    }
  }

  async read(file: string): Promise<Uint8Array | undefined> {
    try {
      this.requests.get++;
      return readFile(this.#resolve(file));
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw changeError(file, error);
    }
  }

  async digest(file: string, algorithm: DigestAlgorithm): Promise<string | undefined> {
    const hash = crypto.createHash(algorithm);
    try {
      this.requests.get++;
      await pipeline(fs.createReadStream(this.#resolve(file)), hash);
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw changeError(file, error);
    }
    return hash.digest("hex");
  }

  async *list(directory: string): AsyncGenerator<StoredObject> {
    const pending = [directory];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      for (const entry of this.#entries(next)) {
        const child = `${next}/${entry.name}`;
        if (entry.isDirectory()) {
          pending.push(child);
          continue;
        }
        const stat = this.#stat(child);
        if (stat !== undefined) yield { path: child, bytes: stat.size, modified: Math.floor(stat.mtimeMs / 1000) };
      }
    }
  }

  async pruneDirectories(directories: readonly string[]): Promise<void> {
    for (const directory of directories) this.#prune(directory);
  }

  async abortMultipartUploads(): Promise<readonly ChangeOutcome[]> {
    return [];
  }

  /**
   * Filesystems that survive a power cut at all keep their changes in a log, in order: the directory that was changed last is on the disk
   * only if everything before it is. For the same reason a power cut without this loses the end of a sweep, never its middle: nothing
   * is lost in a move, whose link comes before its unlink.
   */
  async settle(): Promise<void> {
    // Emptied directories are removed at once; the change is then their parent's.
    let directory = this.#lastChanged;
    while (directory !== undefined && directory !== this.root && !fs.existsSync(directory)) directory = path.dirname(directory);
    if (directory === undefined) return;
    let descriptor: number | undefined;
    try {
      descriptor = fs.openSync(directory, "r");
      fs.fsyncSync(descriptor);
    } catch (error) {
      throw changeError(path.relative(this.root, directory), error);
    } finally {
      if (descriptor !== undefined) fs.closeSync(descriptor);
    }
  }

  async close(): Promise<void> {}

  /** Removes a directory if there is no file anywhere below it; otherwise nothing of it. */
  #prune(directory: string): void {
    if (this.#removeEmpty(directory) || !this.#isWithoutFiles(directory)) return;
    const pending = [directory];
    // Grows while it is walked: parents come before their children.
    for (const parent of pending) pending.push(...this.#entries(parent).map(({ name }) => `${parent}/${name}`));
    for (const child of pending.toReversed()) this.#removeEmpty(child);
  }

  /** Whether the directory is gone; one that holds anything stays, whoever has put it there. */
  #removeEmpty(directory: string): boolean {
    try {
      this.requests.delete++;
      fs.rmdirSync(this.#resolve(directory));
      return true;
    } catch (error) {
      return isAbsent(error);
    }
  }

  #isWithoutFiles(directory: string): boolean {
    return this.#entries(directory).every((entry) => entry.isDirectory() && this.#isWithoutFiles(`${directory}/${entry.name}`));
  }

  #entries(directory: string): fs.Dirent[] {
    try {
      this.requests.list++;
      return fs.readdirSync(this.#resolve(directory), { withFileTypes: true });
    } catch (error) {
      if (isAbsent(error)) return [];
      throw changeError(directory, error);
    }
  }

  #stat(file: string): fs.Stats | undefined {
    try {
      this.requests.head++;
      return fs.lstatSync(this.#resolve(file), { throwIfNoEntry: false });
    } catch (error) {
      throw changeError(file, error);
    }
  }

  /** The absolute path. No `..`, and no symbolic link on the way down that may lead out of the root. */
  #resolve(file: string): string {
    if (file === "" || file.startsWith("/") || (file.includes("..") && file.split("/").includes("..")))
      throw new OperatorError(`${file} leads out of the storage: refused`, EXIT_CODES.refused);
    if (this.#plain.size > MOST_PLAIN) this.#plain.clear();
    this.#insistOnPlain(parentOf(file));
    return this.#absolute(file);
  }

  #absolute(file: string): string {
    return this.root === "/" ? `/${file}` : `${this.root}/${file}`;
  }

  /** The hot part of a sweep: a blob's directory is asked about once, and those above it are known. */
  #insistOnPlain(directory: string): void {
    if (directory === "" || this.#plain.has(directory)) return;
    this.#insistOnPlain(parentOf(directory));
    const stat = fs.lstatSync(this.#absolute(directory), { throwIfNoEntry: false });
    if (stat?.isSymbolicLink() === true)
      throw new OperatorError(
        `${this.#absolute(directory)} is a symbolic link, which is not followed: refused`,
        EXIT_CODES.refused,
      );
    this.#plain.add(directory);
  }
}

function parentOf(file: string): string {
  return file.slice(0, Math.max(0, file.lastIndexOf("/")));
}

/** The directories above a path, the topmost first. */
function ancestorsOf(file: string): string[] {
  const parent = parentOf(file);
  return parent === "" ? [] : [...ancestorsOf(parent), parent];
}

function outcomeOf(file: string, change: () => OutcomeOfOne): ChangeOutcome {
  try {
    return { path: file, ...change() };
  } catch (error) {
    if (isAbsent(error)) return { path: file, status: "absent" };
    return { path: file, status: "failed", cause: causeOf(error) };
  }
}

function changeError(file: string, error: unknown): OperatorError {
  return new OperatorError(`${file}: ${causeOf(error)}`, EXIT_CODES.stopped, { cause: error });
}
