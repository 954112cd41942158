import type { RepositoryListingBuilder } from "../listing-builder.js";
import type { LeafSearch } from "../storage.js";
import { counts } from "./counts.js";
import { causeOf } from "../../system-errors.js";
import { listDirectory, NOT_A_DIRECTORY, secondsOf } from "./directory.js";
import type { Directory } from "./directory.js";
import { listLeaf, listLeaves } from "./leaves.js";
import { ABSENT, lstat } from "./calls.js";
import { readLink } from "./read-file.js";
import { strayAt } from "./stray.js";

/** What `readLink` returns for a link that could not be read; the fault is noted. Less than `ABSENT`. */
export const FAULT = -2;

/** Reads what lies in a repository's directories, and notes in its listing what is stray there or cannot be read. */
export class RepositoryReader {
  constructor(
    /** An absolute path; all others are relative to it. */
    readonly root: string,
    readonly builder: RepositoryListingBuilder,
    private readonly leaves: LeafSearch,
  ) {}

  /** A directory's entries; undefined, with a fault unless it is merely absent, when it cannot be listed. */
  list(path: string, listEntries: (absolute: string) => Directory | undefined = listDirectory): Directory | undefined {
    counts.list++;
    try {
      const listed = listEntries(`${this.root}/${path}`);
      for (const { name, cause } of listed?.unreadable ?? []) this.builder.addFault(`${path}/${name}`, cause);
      return listed;
    } catch (error) {
      this.builder.addFault(path, causeOf(error));
      return undefined;
    }
  }

  /** The directories in `path`. Files there are strays, unless they have the name of a directory that the registry writes. */
  directories(path: string, isDirectoryName: (name: string) => boolean): readonly string[] {
    const listed = this.list(path);
    this.addFiles(path, listed?.files ?? [], isDirectoryName);
    return listed?.directories ?? [];
  }

  /** All files below a directory, by their paths. */
  *filesBelow(path: string): Generator<string> {
    const pending = [path];
    for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
      const listed = this.list(directory);
      for (const child of listed?.directories ?? []) pending.push(`${directory}/${child}`);
      for (const file of listed?.files ?? []) yield `${directory}/${file}`;
    }
  }

  addFiles(path: string, files: readonly string[], isDirectoryName: (name: string) => boolean): void {
    for (const file of files)
      if (isDirectoryName(file)) this.builder.addFault(`${path}/${file}`, NOT_A_DIRECTORY);
      else this.addStray(`${path}/${file}`);
  }

  readonly addStray = (path: string): void => {
    const stray = strayAt(this.root, path);
    if (stray !== undefined) this.builder.addStray(stray);
  };

  /** Notes what lies beside the links of directories that have one. */
  addStraysBeside(directories: readonly string[], isOwn: (name: string) => boolean): void {
    listLeaves(this.root, directories, this.leaves, isOwn, this.addStray);
  }

  /**
   * Reads `<directory>/link`, for the functions of `read-file.ts` that look at it. Returns its length; `ABSENT` where there is none, which
   * is legal: deleting a manifest leaves its directory (`linkedblobstore.go`).
   */
  readLink(directory: string): number {
    counts.get++;
    try {
      const length = readLink(`${this.root}/${directory}/link`);
      // A crash between writing `link.<uuid>.tmp` and renaming it leaves a directory without a link, and the file.
      if (length === ABSENT) listLeaf(this.root, directory, isOwnOfLink, this.addStray);
      return length;
    } catch (error) {
      this.builder.addFault(`${directory}/link`, causeOf(error));
      return FAULT;
    }
  }

  /** Size and time of a file or directory; `undefined` when there is none, or when it could not be told, which is a fault. */
  stat(path: string): { readonly bytes: number; readonly modified: number } | undefined {
    counts.head++;
    try {
      const found = lstat(`${this.root}/${path}`);
      return found && { bytes: found.size, modified: secondsOf(found.mtimeMs) };
    } catch (error) {
      this.builder.addFault(path, causeOf(error));
      return undefined;
    }
  }
}

/** What the registry writes into the directory of a digest: a link, and up to 2.4 signatures. */
export function isOwnOfLink(name: string): boolean {
  return name === "link" || name === "signatures";
}
