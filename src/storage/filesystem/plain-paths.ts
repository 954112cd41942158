import fs from "node:fs";
import { EXIT_CODES, OperatorError } from "../../errors.js";
import { parentOf } from "../parents.js";

const MOST_PLAIN = 10_000;
/** To list so many directories costs less than to ask about one of them. */
const LISTED_FOR_ONE = 6;
/** Directories that are asked about sooner than it is known whether a listing is worth it. */
const FEW = 8;
/** Milliseconds for which a listing is believed: after it, each directory is asked about again. */
const LISTING_LASTS = 20;

/** The directories in one. */
interface Listed {
  /** The path of that one, with a slash behind it. */
  readonly prefix: string;
  readonly names: ReadonlySet<string>;
  /** When it began, by `performance.now()`. */
  readonly began: number;
}

/** Paths below a root that lead nowhere else: safety rule 10. */
export class PlainPaths {
  /** Directories that are known not to be symbolic links. */
  readonly #plain = new Set<string>();
  /** The directories in one, as they were just now. */
  #listed: Listed | undefined;

  constructor(
    /** An absolute path. */
    readonly root: string,
  ) {}

  /** The absolute path. Throws an `OperatorError` on `..`, and on a symbolic link on the way down that may lead out of the root. */
  resolve(file: string): string {
    if (file === "" || file.startsWith("/") || (file.includes("..") && file.split("/").includes("..")))
      throw new OperatorError(`${file} leads out of the storage: refused`, EXIT_CODES.refused);
    const directory = parentOf(file);
    if (!this.#isListed(directory)) this.#insistOnPlain(directory);
    return this.absolute(file);
  }

  /**
   * Does some work that resolves files in `count` of the directories in `parent`: where that is cheaper, it is seen by one listing which of
   * them are no symbolic links, instead of asking about each. That holds for this work only, and for some milliseconds.
   */
  withListing<T>(parent: string, count: number, work: () => T): T {
    this.#listed = this.#list(parent, count);
    try {
      return work();
    } finally {
      this.#listed = undefined;
    }
  }

  /** The absolute path, whatever is there. */
  absolute(file: string): string {
    return this.root === "/" ? `/${file}` : `${this.root}/${file}`;
  }

  /** The hot part of a sweep: a blob's directory is asked about once, and those above it are known. */
  #insistOnPlain(directory: string): void {
    if (directory === "" || this.#plain.has(directory)) return;
    this.#insistOnPlain(parentOf(directory));
    const stat = fs.lstatSync(this.absolute(directory), { throwIfNoEntry: false });
    if (stat?.isSymbolicLink() === true)
      throw new OperatorError(
        `${this.absolute(directory)} is a symbolic link, which is not followed: refused`,
        EXIT_CODES.refused,
      );
    if (this.#plain.size > MOST_PLAIN) this.#plain.clear();
    this.#plain.add(directory);
  }

  #isListed(directory: string): boolean {
    const listed = this.#listed;
    if (listed === undefined || !directory.startsWith(listed.prefix)) return false;
    return performance.now() - listed.began < LISTING_LASTS && listed.names.has(directory.slice(listed.prefix.length));
  }

  /** Undefined where it is no use, or not possible: then each directory tells by itself what is wrong. */
  #list(parent: string, count: number): Listed | undefined {
    if (count < FEW) return undefined;
    try {
      const path = this.resolve(`${parent}/any`).slice(0, -"/any".length);
      // Of a directory, the number of links is 2 + its directories, where the filesystem counts them.
      const directories = (fs.lstatSync(path, { throwIfNoEntry: false })?.nlink ?? 0) - 2;
      if (directories < 1 || directories > count * LISTED_FOR_ONE) return undefined;
      const began = performance.now();
      const names = new Set<string>();
      for (const entry of fs.readdirSync(path, { withFileTypes: true })) if (entry.isDirectory()) names.add(entry.name);
      return { prefix: `${parent}/`, names, began };
    } catch {
      return undefined;
    }
  }
}
