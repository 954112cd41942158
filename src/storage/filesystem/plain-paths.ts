import fs from "node:fs";
import { EXIT_CODES, OperatorError } from "../../errors.js";
import { parentOf } from "../parents.js";

const MOST_PLAIN = 10_000;

/** Paths below a root that lead nowhere else: safety rule 10. */
export class PlainPaths {
  /** Directories that are known not to be symbolic links. */
  readonly #plain = new Set<string>();

  constructor(
    /** An absolute path. */
    readonly root: string,
  ) {}

  /** The absolute path. Throws an `OperatorError` on `..`, and on a symbolic link on the way down that may lead out of the root. */
  resolve(file: string): string {
    if (file === "" || file.startsWith("/") || (file.includes("..") && file.split("/").includes("..")))
      throw new OperatorError(`${file} leads out of the storage: refused`, EXIT_CODES.refused);
    if (this.#plain.size > MOST_PLAIN) this.#plain.clear();
    this.#insistOnPlain(parentOf(file));
    return this.absolute(file);
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
    this.#plain.add(directory);
  }
}
