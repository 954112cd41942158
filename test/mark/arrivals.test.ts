import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { check } from "#regcheck/check.js";
import type { Report } from "#regcheck/report/report.js";
import { FilesystemStorage } from "#regcheck/storage/filesystem/filesystem.js";
import { RegistryBuilder } from "../support/builder.js";
import { LONG_AGO } from "../support/registry-tree.js";
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

/** Checks a registry to which something is done between the listing of its repositories and the second look. */
async function checkedWhile(change: (directory: string) => void, tagModified = LONG_AGO): Promise<Report> {
  const builder = new RegistryBuilder();
  const app = builder.repository("team/app");
  builder.now = tagModified;
  app.deleteManifest(app.image({ layers: ["a layer"], tag: "1" }));
  const directory = written(builder.tree);
  const storage = FilesystemStorage.open(directory);
  const repositories = storage.repositories.bind(storage);
  storage.repositories = async function* () {
    for await (const listing of repositories()) {
      change(path.join(directory, `${app.path}/_manifests/tags/1`));
      yield listing;
    }
  };
  try {
    const now = Math.floor(Date.now() / 1000) - 1;
    const policy = { deleteUntagged: false, dropDanglingTags: false, grace: 0, now, pins: [] };
    return await check(storage, { policy });
  } finally {
    await storage.close();
  }
}

describe("a tag whose manifest is deleted while the registry is read", () => {
  test.each<[string, (tag: string) => void]>([
    ["goes a moment later", (tag) => fs.rmSync(tag, { recursive: true })],
    ["is moved a moment later", (tag) => fs.writeFileSync(`${tag}/current/link`, `sha256:${"a".repeat(64)}`)],
  ])("and which %s, does not dangle", async (_, change) => {
    expect((await checkedWhile(change)).counts["tag-dangling"]).toBeUndefined();
  });

  test.each([LONG_AGO, 4_000_000_000])("dangles where nobody touches it, whatever its time (%d)", async (modified) => {
    expect((await checkedWhile(() => {}, modified)).counts["tag-dangling"]).toBe(1);
  });
});

test("a layer pushed after the blobs were listed does not dangle where its repository is held", async () => {
  const builder = new RegistryBuilder();
  builder.repository("team/app").image({ layers: ["a layer"], tag: "1" });
  const directory = written(builder.tree);
  const storage = FilesystemStorage.open(directory);
  const blobs = storage.blobs.bind(storage);
  storage.blobs = async function* () {
    yield* blobs();
    builder.now = Math.floor(Date.now() / 1000);
    builder.repository("team/app").push("a layer of an image to come");
    const revision = `_manifests/revisions/sha256/${"a".repeat(64)}`;
    builder.tree.write(`${builder.repository("team/app").path}/${revision}/link`, "", builder.now);
    builder.tree.writeTo(directory);
  };
  const policy = { deleteUntagged: true, dropDanglingTags: true, grace: 3600, now: Math.floor(Date.now() / 1000), pins: [] };
  const report = await check(storage, { policy });
  await storage.close();
  expect(Array.from(report.findings(), ({ code }) => code)).toEqual(["manifest-missing", "revision-link-invalid"]);
});

test("a manifest that is deleted before its link's age is asked for is no fault", async () => {
  const builder = new RegistryBuilder();
  const app = builder.repository("team/app");
  const image = app.image({ layers: ["a layer"] });
  const directory = written(builder.tree);
  const storage = FilesystemStorage.open(directory);
  const modified = storage.modified.bind(storage);
  storage.modified = (paths) => {
    fs.rmSync(path.join(directory, app.path, app.revisionLink(image.digest)), { recursive: true });
    return modified(paths);
  };
  const policy = { deleteUntagged: true, dropDanglingTags: false, grace: 60, now: LONG_AGO + 3600, pins: [] };
  const report = await check(storage, { policy });
  await storage.close();
  expect(report.complete).toBe(true);
  expect(report.reclaimable.withDeleteUntagged.blobs).toBe(0);
});
