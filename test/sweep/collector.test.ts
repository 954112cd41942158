import path from "node:path";
import { describe, expect, test } from "vitest";
import { V2 } from "../support/builder.js";
import { pullAll } from "../support/pullable.js";
import { RegistryTree } from "../support/registry-tree.js";
import { startedServer, store } from "../support/s3-bucket.js";
import { contentOf, garbageRegistry, sweepOptions } from "../support/sweeping.js";
import { sweepBucket, treeOf } from "../support/sweeping-s3.js";
import { regcheckWith, sweepEverything } from "../support/system-calls.js";
import { temporaryDirectory } from "../support/temporary.js";

/**
 * The cases in which the registry's own collector loses live data because its storage fails or is not whole: those that a real
 * registry cannot be made to show from outside. test/e2e/collector.test.ts has the others.
 */
describe("where the registry's own collector loses live data", () => {
  const before = garbageRegistry(2);

  async function sweepWith(call: string, where: string, code: string) {
    const base = temporaryDirectory();
    const directory = path.join(base, "storage");
    before.writeTo(directory);
    const args = sweepEverything(directory, path.join(base, "journal"), "--concurrency", "1");
    const run = await regcheckWith({ call, path: where, code, times: 1 }, args);
    return { ...run, left: RegistryTree.readFrom(directory) };
  }

  test.each([
    ["a list of revisions", "readdirSync", "/team/app-0/_manifests/revisions/sha256$"],
    ["a revision link", "openSync", "/team/app-0/_manifests/revisions/.*/link$"],
    ["a list of tags", "readdirSync", "/team/app-0/_manifests/tags$"],
    ["a list of layer links", "readdirSync", "/team/app-0/_layers/sha256$"],
  ])(
    "one 'not found' in the middle of a walk (%s): 3.x deletes what is tagged; regcheck sees that the roots differ",
    async (_, call, where) => {
      const { exitCode, stderr, injected, left } = await sweepWith(call, where, "ENOENT");
      expect({ injected, exitCode }).toEqual({ injected: true, exitCode: 4 });
      expect(stderr).toMatch(/links-unchanged: .*team\/app-0/);
      expect(contentOf(left)).toEqual(contentOf(before));
    },
  );

  test("one error while a child of an index is looked for: 3.x deletes its layers with -m; regcheck sweeps nothing", async () => {
    const { exitCode, injected, left } = await sweepWith("openSync", "/blobs/.*/data$", "EIO");
    expect({ injected, exitCode }).toEqual({ injected: true, exitCode: 3 });
    expect(contentOf(left)).toEqual(contentOf(before));
  });

  test.each(["repositories", "blobs"])(
    "a bucket without %s/, half restored: 3.x deletes what there is; regcheck refuses",
    async (part) => {
      const server = await startedServer();
      const half = new RegistryTree();
      for (const [file, { content, modified }] of before.files)
        if (!file.startsWith(`${V2}/${part}/`)) half.write(file, content, modified);
      store(server, half);
      const run = await sweepBucket(server, sweepOptions(temporaryDirectory()));
      expect(run).toMatchObject({ exitCode: 4, why: expect.stringContaining("has-repositories") as unknown });
      expect(contentOf(treeOf(server))).toEqual(contentOf(half));
    },
  );

  test("a registry without _manifests: its own collectors delete every blob; regcheck stops at --max-delete", async () => {
    const server = await startedServer();
    const half = new RegistryTree();
    for (const [file, { content, modified }] of before.files)
      if (!file.includes("/_manifests/")) half.write(file, content, modified);
    store(server, half);
    const run = await sweepBucket(server, sweepOptions(temporaryDirectory(), { maxDelete: 0.5 }));
    expect(run).toMatchObject({ exitCode: 4, why: expect.stringContaining("max-delete") as unknown });
    expect(contentOf(treeOf(server))).toEqual(contentOf(half));
    expect(pullAll(before).size).toBeGreaterThan(0);
  });
});
