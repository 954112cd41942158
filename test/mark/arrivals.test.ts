import { expect, test } from "vitest";
import { check } from "#regcheck/check.js";
import { FilesystemStorage } from "#regcheck/storage/filesystem/filesystem.js";
import { RegistryBuilder } from "../support/builder.js";
import { written } from "../support/temporary.js";

test("an image pushed after the blobs were listed is not damaged, and keeps what it needs of the old blobs", async () => {
  const builder = new RegistryBuilder();
  builder.repository("team/app").image({ layers: ["a layer"], tag: "1" });
  builder.blob("a layer that nothing needed");
  const directory = written(builder.tree);
  const storage = FilesystemStorage.open(directory);
  const blobs = storage.blobs.bind(storage);
  storage.blobs = async function* () {
    yield* blobs();
    const image = builder.repository("team/app").image({ layers: ["a layer that nothing needed", "a new layer"], tag: "2" });
    builder.repository("team/new").index([builder.repository("team/new").image({ layers: ["another"] }), image], "latest");
    builder.tree.writeTo(directory);
  };
  const policy = { deleteUntagged: true, dropDanglingTags: true, grace: 0, now: Math.floor(Date.now() / 1000), pins: [] };
  const report = await check(storage, { policy });
  await storage.close();
  expect(report.complete).toBe(true);
  // The index names an image of another repository, which it lacks: that is still said.
  expect(Array.from(report.findings(), ({ code, repository }) => `${code} ${repository}`)).toEqual(["child-missing team/new"]);
});
