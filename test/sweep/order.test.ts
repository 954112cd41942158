import { expect, test } from "vitest";
import type { StorageChanges } from "#regcheck/storage/changes.js";
import { garbageRegistry, sweepDirectory, sweepOptions } from "../support/sweeping.js";
import { temporaryDirectory, written } from "../support/temporary.js";
import { wrapped } from "../support/wrapped.js";

/** What a sweep does to the storage, in order: the kind of each object that goes, and each barrier. */
async function steps(): Promise<string[]> {
  const done: string[] = [];
  const kindOf = (file: string): string =>
    /_manifests\/(?:tags|revisions)|_layers|_uploads|\/blobs\//.exec(file)?.[0].replace(/^.*\/(?=\w)|\/$/g, "") ?? "";
  const note = (paths: readonly string[]): void => {
    for (const file of paths) if (kindOf(file) !== "") done.push(kindOf(file));
  };
  await sweepDirectory(written(garbageRegistry(2)), sweepOptions(temporaryDirectory()), (changes) =>
    wrapped<StorageChanges>(changes, {
      remove: async (paths, order) => {
        note(paths);
        return changes.remove(paths, order);
      },
      removeWithDirectories: async (paths) => {
        note(paths);
        return changes.removeWithDirectories(paths);
      },
      settle: async () => {
        done.push("barrier");
        await changes.settle();
      },
    }),
  );
  return done.filter((step, i) => step !== done[i - 1]);
}

test("whatever refers goes before what it refers to, and is on the disk before the first blob goes (safety rule 6)", async () => {
  expect(await steps()).toEqual(["tags", "revisions", "_layers", "barrier", "blobs", "_uploads", "barrier"]);
});
