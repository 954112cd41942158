import fs from "node:fs";
import path from "node:path";
import type { ChangeOutcome, Move, OutcomeOfOne, RemovedWithDirectories, Standing } from "../changes.js";
import type { StorageRequests } from "../requests.js";
import { causeOf, isAbsent } from "../../system-errors.js";
import { entriesOf } from "./list-objects.js";
import { moveFile } from "./move-file.js";
import { parentOf } from "../parents.js";
import type { PlainPaths } from "./plain-paths.js";
import { makeDirectories } from "./write-file.js";

/** What became of a batch of objects, or of a part of it. */
export interface ChangedObjects {
  /** In the order asked for. */
  readonly outcomes: readonly ChangeOutcome[];
  /** The directory that was changed last, absolute; undefined when none was. */
  readonly lastChanged: string | undefined;
}

/**
 * Removes and moves objects one after the other, by synchronous calls: in the main thread, or in one of the pool's. Whatever it is
 * asked for comes to its end; one object's failure is an outcome.
 */
export class ObjectChanges {
  #lastChanged: string | undefined;

  constructor(
    private readonly paths: PlainPaths,
    /** Counted up. */
    private readonly requests: StorageRequests,
  ) {}

  /** Removes files; their directories stay. */
  remove(files: readonly string[]): ChangedObjects {
    return this.#each(files, itself, (file) => this.#unlink(file));
  }

  /** Removes files, each with its directory if nothing else is in it; a blob or a link is alone in one. */
  removeWithDirectories(files: readonly string[]): ChangedObjects & Pick<RemovedWithDirectories, "left"> {
    const left: string[] = [];
    const changed = this.#each(files, itself, (file) => {
      const removed = outcomeOf(file, () => this.#unlink(file));
      const directory = parentOf(file);
      if (removed.status !== "failed" && this.#removeEmpty(directory) !== undefined) left.push(directory);
      return removed;
    });
    return { ...changed, left };
  }

  /** Moves files, and makes what directories they need. */
  move(moves: readonly Move[]): ChangedObjects {
    return this.#each(
      moves,
      ({ from }) => from,
      ({ from, to }) => {
        this.requests.put++;
        const target = this.paths.resolve(to);
        const source = this.paths.resolve(from);
        if (fs.lstatSync(source, { throwIfNoEntry: false }) === undefined) return { status: "absent" };
        makeDirectories(path.dirname(target));
        const found = moveFile(source, target);
        this.#lastChanged = path.dirname(source);
        if (found !== "other") return { status: "done", found };
        return { status: "failed", found, cause: `there is something else at ${to} already` };
      },
    );
  }

  /** Makes one of the directories that a move needs, if there is something to move. Returns whether it is there now. */
  prepare({ from }: Move, directory: string): boolean {
    try {
      if (fs.lstatSync(this.paths.resolve(from), { throwIfNoEntry: false }) === undefined) return false;
      makeDirectories(this.paths.resolve(directory));
      return true;
    } catch {
      // The move fails as well, and says why.
      return false;
    }
  }

  /** Removes those of the directories below which there is no file, and returns the others. Throws an `OperatorError` at the first that cannot be listed. */
  prune(directories: readonly string[]): readonly Standing[] {
    return directories.flatMap((directory) => this.#prune(directory) ?? []);
  }

  /** Those of the directories, and of the ones below them, that hold nothing at all. Throws an `OperatorError`. */
  emptyDirectories(directories: readonly string[]): readonly string[] {
    return directories.flatMap((directory) => {
      if (!this.#isThere(directory)) return [];
      const entries = this.#entries(directory);
      const below = entries.filter((entry) => entry.isDirectory()).map(({ name }) => `${directory}/${name}`);
      return entries.length === 0 ? [directory] : this.emptyDirectories(below);
    });
  }

  #unlink(file: string): OutcomeOfOne {
    this.requests.delete++;
    const target = this.paths.resolve(file);
    fs.unlinkSync(target);
    this.#lastChanged = parentOf(target);
    return DONE;
  }

  #each<T>(items: readonly T[], pathOf: (item: T) => string, change: (item: T) => OutcomeOfOne): ChangedObjects {
    this.#lastChanged = undefined;
    const outcomes: ChangeOutcome[] = [];
    for (const { parent, some } of byGrandparent(items, pathOf))
      this.paths.withListing(parent, some.length, () => {
        for (const item of some) outcomes.push(outcomeOf(pathOf(item), () => change(item)));
      });
    return { outcomes, lastChanged: this.#lastChanged };
  }

  /** Removes a directory if there is no file anywhere below it; otherwise nothing of it, and says why. */
  #prune(directory: string): Standing | undefined {
    if (this.#removeEmpty(directory) === undefined) return undefined;
    const file = this.#fileBelow(directory);
    if (file !== undefined) return { directory, cause: `it holds ${file}` };
    const pending = [directory];
    // Grows while it is walked: parents come before their children.
    for (const parent of pending) pending.push(...this.#entries(parent).map(({ name }) => `${parent}/${name}`));
    const causes = pending.toReversed().flatMap((child) => this.#removeEmpty(child) ?? []);
    return causes[0] === undefined ? undefined : { directory, cause: causes[0] };
  }

  /** Why the directory is still there; undefined where it is gone. One that holds anything stays, whoever has put it there. */
  #removeEmpty(directory: string): string | undefined {
    try {
      this.requests.delete++;
      fs.rmdirSync(this.paths.resolve(directory));
      return undefined;
    } catch (error) {
      return isAbsent(error) ? undefined : causeOf(error);
    }
  }

  #fileBelow(directory: string): string | undefined {
    for (const entry of this.#entries(directory)) {
      const child = `${directory}/${entry.name}`;
      const file = entry.isDirectory() ? this.#fileBelow(child) : child;
      if (file !== undefined) return file;
    }
    return undefined;
  }

  #isThere(directory: string): boolean {
    return fs.lstatSync(this.paths.resolve(directory), { throwIfNoEntry: false })?.isDirectory() === true;
  }

  #entries(directory: string): fs.Dirent[] {
    return entriesOf(directory, this.paths, this.requests);
  }
}

const DONE: OutcomeOfOne = { status: "done" };

function itself(file: string): string {
  return file;
}

/** Those that follow one another, and whose directories lie in one. */
function* byGrandparent<T>(
  items: readonly T[],
  pathOf: (item: T) => string,
): Generator<{ readonly parent: string; readonly some: readonly T[] }> {
  let some: T[] = [];
  let parent = "";
  for (const item of items) {
    const file = pathOf(item);
    if (some.length > 0 && !isTwoBelow(file, parent)) {
      yield { parent, some };
      some = [];
    }
    if (some.length === 0) parent = parentOf(parentOf(file));
    some.push(item);
  }
  if (some.length > 0) yield { parent, some };
}

/** Whether the file lies in a directory in `parent`. */
function isTwoBelow(file: string, parent: string): boolean {
  const directory = file.lastIndexOf("/");
  return file.lastIndexOf("/", directory - 1) === parent.length && file.startsWith(parent);
}

function outcomeOf(file: string, change: () => OutcomeOfOne): ChangeOutcome {
  try {
    return { path: file, ...change() };
  } catch (error) {
    if (isAbsent(error)) return { path: file, status: "absent" };
    return { path: file, status: "failed", cause: causeOf(error) };
  }
}
