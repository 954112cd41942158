import { describe, expect, onTestFinished, test } from "vitest";
import { check } from "#regcheck/check.js";
import { repair } from "#regcheck/repair.js";
import { S3Changes } from "#regcheck/storage/s3/changes.js";
import { S3Storage } from "#regcheck/storage/s3/s3.js";
import { readRun } from "#regcheck/journal/read-run.js";
import { restoreObjects } from "#regcheck/undo/restore.js";
import { pullAll } from "../support/pullable.js";
import { RegistryTree } from "../support/registry-tree.js";
import { brokenRegistry, POLICY, repairOptions } from "../support/repairing.js";
import { optionsFor, startedServer, store } from "../support/s3-bucket.js";
import type { S3Server } from "../support/s3-server/index.js";
import { contentOf } from "../support/sweeping.js";
import { temporaryDirectory } from "../support/temporary.js";

function treeOf(server: S3Server): RegistryTree {
  const tree = new RegistryTree();
  for (const [key, content] of server.objects("b")) tree.write(key, content);
  return tree;
}

async function broken(versioned = false) {
  const before = brokenRegistry(2);
  const server = await startedServer({ buckets: [{ name: "b", versioned }] });
  store(server, before);
  const storage = new S3Storage(optionsFor(server));
  const changes = new S3Changes(optionsFor(server), 20, async (milliseconds) => server.pass("b", milliseconds));
  onTestFinished(async () => {
    await storage.close();
    await changes.close();
  });
  return { before, server, storage, changes };
}

describe("a repair of a bucket", () => {
  test.each([{ versioned: false }, { versioned: true }])(
    "leaves nothing broken, and restore brings back the same bytes (versioned: $versioned)",
    async ({ versioned }) => {
      const { before, server, storage, changes } = await broken(versioned);
      const journal = temporaryDirectory();
      const { result } = await repair({ storage, changes }, repairOptions(journal));
      expect(result?.stopped).toBeUndefined();
      expect(result?.outcomes.map(({ status }) => status)).toEqual(Array.from({ length: 18 }, () => "written"));
      expect([...(await check(storage, { policy: POLICY })).findings()].map(({ code }) => code)).toEqual([]);
      expect([...pullAll(treeOf(server))].filter(([, content]) => content === undefined)).toEqual([]);

      const run = readRun(journal, result?.runId ?? "");
      expect(await restoreObjects(run, changes)).toEqual({ restored: 18, present: 0, warnings: [], problems: [] });
      expect(contentOf(treeOf(server))).toEqual(contentOf(before));
    },
  );

  test("writes no tag as if it had been pushed with its manifest, whose link it has just written", async () => {
    const { storage, changes } = await broken();
    const { result } = await repair({ storage, changes }, repairOptions(temporaryDirectory()));
    const tags = result?.outcomes.filter(({ repair: { path } }) => path.includes("/_manifests/tags/")) ?? [];
    expect(tags.length).toBeGreaterThan(2);
    const modified = async (file: string): Promise<number> => (await changes.stat(file))?.modified ?? Number.NaN;
    for (const {
      repair: { path, content },
    } of tags) {
      const link = `${path.replace(/tags\/.*/, "revisions")}/${content.replace(":", "/")}/link`;
      expect((await modified(path)) - (await modified(link)), path).toBeGreaterThan(10);
    }
  });

  test("what the server refuses is left as it is, and stops it before what refers to it; another run finishes", async () => {
    const { before, server, storage, changes } = await broken();
    const revision =
      [...before.files].find(([file, { content }]) => file.includes("revisions") && content.length !== 71)?.[0] ?? "";
    const fault = server.inject({
      operation: "PutObject",
      key: revision,
      times: Infinity,
      effect: { kind: "error", status: 403, code: "AccessDenied" },
    });
    const { result } = await repair({ storage, changes }, repairOptions(temporaryDirectory()));
    expect(result?.stopped).toMatch(/^1 link could not be written: .*AccessDenied/);
    expect(treeOf(server).text(revision)).toBe(before.text(revision));
    expect(result?.outcomes.filter(({ repair: { code } }) => code.startsWith("tag-"))).toEqual([]);
    fault.remove();
    const again = await repair({ storage, changes }, repairOptions(temporaryDirectory()));
    expect(again.result?.stopped).toBeUndefined();
    expect([...(await check(storage, { policy: POLICY })).findings()].map(({ code }) => code)).toEqual([]);
  });
});
