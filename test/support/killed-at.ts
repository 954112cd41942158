import path from "node:path";
import type { StorageChanges } from "#regcheck/storage/changes.js";

/** The process is gone: nothing of it runs any more, not even what would clean up. */
export class Killed extends Error {
  override readonly message = "killed";
}

/**
 * Cuts every batch into single objects, and dies before or after the operation with the number `point`. What the process would do
 * afterwards fails as well, so that a lock stays behind, as it would.
 */
export function killedAt(
  changes: StorageChanges,
  point: number,
): { readonly wrapped: StorageChanges; readonly operations: () => number } {
  let operation = 0;
  let dead = false;
  const step = async <T>(work: () => Promise<T>): Promise<T> => {
    const before = operation++;
    if (dead || before === point) {
      dead = true;
      throw new Killed();
    }
    const result = await work();
    const after = operation++;
    if (after === point) {
      dead = true;
      throw new Killed();
    }
    return result;
  };
  const each = async <T, R>(items: readonly T[], work: (item: T) => Promise<readonly R[]>): Promise<readonly R[]> => {
    const results: R[] = [];
    for (const item of items) results.push(...(await step(() => work(item))));
    return results;
  };
  const wrapped: StorageChanges = {
    requests: changes.requests,
    isRemote: changes.isRemote,
    keepsVersions: () => changes.keepsVersions(),
    mayHaveVersions: () => changes.mayHaveVersions(),
    remove: (paths, order) => each(paths, (one) => changes.remove([one], order)),
    removeWithDirectories: async (paths) => {
      const outcomes = await each(paths, (one) => changes.remove([one], "any order"));
      const directories = paths.map((one) => path.posix.dirname(one));
      const standing = await each(directories, (one) => changes.pruneDirectories([one]));
      return { outcomes, left: standing.map(({ directory }) => directory) };
    },
    removeForGood: (file, expected) => step(() => changes.removeForGood(file, expected)),
    move: (moves, order) => each(moves, (one) => changes.move([one], order)),
    hiding: (paths) => changes.hiding(paths),
    cannotMoveTo: (directory) => changes.cannotMoveTo(directory),
    cannotWriteTo: (directory) => changes.cannotWriteTo(directory),
    pass: (milliseconds, signal) => changes.pass(milliseconds, signal),
    settle: () => changes.settle(),
    unhide: (markers) => changes.unhide(markers),
    create: (file, content) => step(() => changes.create(file, content)),
    store: (file, content) => step(() => changes.store(file, content)),
    replace: (file, expected, content) => step(() => changes.replace(file, expected, content)),
    stat: (file) => changes.stat(file),
    read: (file) => changes.read(file),
    digest: (file, algorithm) => changes.digest(file, algorithm),
    list: (directory) => changes.list(directory),
    pruneDirectories: (directories) => each(directories, (one) => changes.pruneDirectories([one])),
    emptyDirectories: (directories) => changes.emptyDirectories(directories),
    makeDirectory: (directory) => step(() => changes.makeDirectory(directory)),
    close: () => changes.close(),
    abortMultipartUploads: (uploads) => changes.abortMultipartUploads(uploads),
  };
  return { wrapped, operations: () => operation };
}
