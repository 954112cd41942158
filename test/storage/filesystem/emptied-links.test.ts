import fs from "node:fs";
import path from "node:path";
import type * as timers from "node:timers/promises";
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { check } from "#regcheck/check.js";
import type { VerifyPart } from "#regcheck/mark/verify.js";
import type { Report } from "#regcheck/report/report.js";
import { FilesystemStorage } from "#regcheck/storage/filesystem/filesystem.js";
import { RegistryBuilder } from "../../support/builder.js";
import { written } from "../../support/temporary.js";

vi.mock("node:timers/promises", async (importOriginal) => {
  const original = await importOriginal<typeof timers>();
  return { ...original, setTimeout: vi.fn<typeof original.setTimeout>(original.setTimeout) };
});

const POLICY = { deleteUntagged: false, dropDanglingTags: false, grace: 0, now: Math.floor(Date.now() / 1000), pins: [] };
const MANY = 5000;
/** Milliseconds: half of what a pause for each would take, and far more than all the work takes on a slow machine. */
const LIMIT = MANY * 10;

async function checked(storage: FilesystemStorage, verify?: VerifyPart): Promise<Report> {
  try {
    return await check(storage, { policy: POLICY, verify });
  } finally {
    await storage.close();
  }
}

function emptied() {
  const builder = new RegistryBuilder();
  const app = builder.repository("app");
  const layers = Array.from({ length: MANY }, (_, i) => app.push(`layer ${i}`));
  const image = app.image({ layers, tag: "1" });
  const links = layers.map(({ digest }) => `${app.path}/${app.layerLink(digest)}/link`);
  const tag = `${app.path}/_manifests/tags/1`;
  const index = `${tag}/index/${image.digest.replace(":", "/")}/link`;
  const others = [`${app.path}/${app.revisionLink(image.digest)}/link`, `${tag}/current/link`, index];
  const contents = new Map([...links, ...others].map((file) => [file, builder.tree.text(file) ?? ""]));
  for (const file of [...links, ...others]) builder.tree.write(file, "");
  return { directory: written(builder.tree), contents };
}

test("thousands of emptied links are waited for once", async () => {
  const { directory } = emptied();
  const storage = FilesystemStorage.open(directory, { concurrency: 1 });
  const begin = performance.now();
  const report = await checked(storage);
  expect(report.counts).toMatchObject({ "layer-link-invalid": MANY, "revision-link-invalid": 1, "tag-link-invalid": 1 });
  expect(performance.now() - begin).toBeLessThan(LIMIT);
});

test("thousands of blobs that are wrong are read again after one pause", async () => {
  const builder = new RegistryBuilder();
  const app = builder.repository("app");
  for (let i = 0; i < MANY; i++) app.push(`layer ${i}`);
  for (const file of builder.tree.files.keys()) if (file.endsWith("/data")) builder.tree.write(file, "");
  const storage = FilesystemStorage.open(written(builder.tree), { concurrency: 1 });
  const begin = performance.now();
  const report = await checked(storage, { part: 1, parts: 1 });
  expect(report.counts["blob-corrupt"]).toBe(MANY);
  expect(performance.now() - begin).toBeLessThan(LIMIT);
});

test("links that a registry was about to write when they were read are sound", async () => {
  const { directory, contents } = emptied();
  const storage = FilesystemStorage.open(directory, { concurrency: 1 });
  const run = storage.pool.run.bind(storage.pool);
  storage.pool.run = (task, account) => {
    if (task.kind === "contents" && "paths" in task)
      for (const file of task.paths) fs.writeFileSync(path.join(directory, file), contents.get(file) ?? "");
    return run(task, account);
  };
  const report = await checked(storage);
  expect([...report.findings()]).toEqual([]);
});

describe("what was emptied long ago", () => {
  /** Storages are on NFS from now on, whose server has a clock of its own. */
  function onTheNetwork(): void {
    const { statfsSync } = fs;
    vi.spyOn(fs, "statfsSync").mockImplementation(((file: string) =>
      Object.assign(statfsSync(file), { type: 0x6969 })) as typeof fs.statfsSync);
    onTestFinished(() => void vi.restoreAllMocks());
  }

  const yesterday = Date.now() / 1000 - 24 * 60 * 60;

  test("is not in the middle of being written: nobody waits for it", async () => {
    const { directory, contents } = emptied();
    const read = async (modified: number) => {
      vi.mocked(pause).mockClear();
      for (const file of contents.keys()) fs.utimesSync(path.join(directory, file), modified, modified);
      const storage = FilesystemStorage.open(directory, { concurrency: 1 });
      const { oddLinks } = await storage.repository("app");
      await storage.close();
      return { emptied: oddLinks.length, pauses: vi.mocked(pause).mock.calls.length };
    };
    expect(await read(yesterday)).toEqual({ emptied: MANY + 1, pauses: 0 });
    expect(await read(Date.now() / 1000)).toEqual({ emptied: MANY + 1, pauses: 1 });
    onTheNetwork();
    expect(await read(yesterday)).toEqual({ emptied: MANY + 1, pauses: 1 });
  });

  test("the same of blobs that are wrong", async () => {
    const builder = new RegistryBuilder();
    builder.repository("app").push("a layer");
    const file = [...builder.tree.files.keys()].find((name) => name.endsWith("/data")) ?? "";
    builder.tree.write(file, "");
    const directory = written(builder.tree);
    const waited = vi.spyOn(Atomics, "wait");
    onTestFinished(() => waited.mockRestore());
    const verified = async (modified: number) => {
      waited.mockClear();
      fs.utimesSync(path.join(directory, file), modified, modified);
      const report = await checked(FilesystemStorage.open(directory, { concurrency: 1 }), { part: 1, parts: 1 });
      return { corrupt: report.counts["blob-corrupt"], pauses: waited.mock.calls.length };
    };
    expect(await verified(yesterday)).toEqual({ corrupt: 1, pauses: 0 });
    expect(await verified(Date.now() / 1000)).toEqual({ corrupt: 1, pauses: 1 });
    onTheNetwork();
    expect(await verified(yesterday)).toEqual({ corrupt: 1, pauses: 1 });
  });
});

test("links that are gone by then are no links", async () => {
  const { directory } = emptied();
  const storage = FilesystemStorage.open(directory, { concurrency: 1 });
  const run = storage.pool.run.bind(storage.pool);
  storage.pool.run = (task, account) => {
    if (task.kind === "contents" && "paths" in task) for (const file of task.paths) fs.rmSync(path.join(directory, file));
    return run(task, account);
  };
  const report = await checked(storage);
  expect(report.counts["layer-link-invalid"]).toBeUndefined();
  expect(report.totals).toMatchObject({ revisions: 0, layerLinks: 1, tags: 1 });
});
