import { expect, test } from "vitest";
import type { StorageChanges } from "#regcheck/storage/changes.js";
import { RegistryBuilder } from "../support/builder.js";
import { checkDirectory } from "../support/check-tree.js";
import { killedAt } from "../support/killed-at.js";
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

test("killed among the links of a tag, it leaves none that looks as if damage had emptied it", async () => {
  const registry = new RegistryBuilder();
  const app = registry.repository("team/app");
  app.image({ layers: ["live"], config: "live too", tag: "latest" });
  const [first, second] = ["first", "second"].map((layer) => app.image({ layers: [layer], config: layer, tag: "1.0" }));
  for (const gone of [first, second]) if (gone !== undefined) app.deleteManifest(gone);
  let held = 0;
  let isKilled = true;
  for (let point = 0; isKilled; point++) {
    const directory = written(registry.tree);
    const run = sweepDirectory(directory, sweepOptions(temporaryDirectory()), (changes) => killedAt(changes, point).wrapped);
    isKilled = await run.then(
      ({ result }) => result.stopped !== undefined,
      () => true,
    );
    const report = await checkDirectory(directory);
    for (const { cause } of report.findings(["tag-without-current"])) if (cause?.kind === "had-link") held++;
  }
  expect(held).toBe(0);
});
