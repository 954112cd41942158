import { describe, expect, test } from "vitest";
import { check } from "#regcheck/check.js";
import { S3Changes } from "#regcheck/storage/s3/changes.js";
import { S3Storage } from "#regcheck/storage/s3/s3.js";
import { sweep } from "#regcheck/sweep.js";
import type { SweepOptions } from "#regcheck/sweep.js";
import { readRun } from "#regcheck/journal/read-run.js";
import { restoreObjects } from "#regcheck/undo/restore.js";
import { RegistryBuilder } from "../support/builder.js";
import { pullAll } from "../support/pullable.js";
import { RegistryTree } from "../support/registry-tree.js";
import { optionsFor, startedServer, store } from "../support/s3-bucket.js";
import type { S3Server } from "../support/s3-server/index.js";
import { sweepBucket } from "../support/sweeping-s3.js";
import { contentOf, garbageRegistry, sweepOptions } from "../support/sweeping.js";
import { temporaryDirectory } from "../support/temporary.js";

function treeOf(server: S3Server): RegistryTree {
  const tree = new RegistryTree();
  for (const [key, content] of server.objects("b")) tree.write(key, content);
  return tree;
}

async function withBucket(server: S3Server) {
  const storage = new S3Storage(optionsFor(server));
  const changes = new S3Changes(optionsFor(server), 20);
  return {
    changes,
    sweep: async (options: SweepOptions) => sweep({ storage, changes }, options),
    codes: async () => [...(await check(storage, { policy: sweepOptions("").check.policy })).findings()].map(({ code }) => code),
    close: () => Promise.all([storage.close(), changes.close()]),
  };
}

describe("a sweep of a bucket", () => {
  test("removes all garbage in few requests, and leaves every pull as it was", async () => {
    const before = garbageRegistry(20);
    const server = await startedServer();
    store(server, before);
    const bucket = await withBucket(server);
    const { result } = await bucket.sweep(sweepOptions(temporaryDirectory()));
    expect(result.stopped).toBeUndefined();
    expect(await bucket.codes()).toEqual([]);
    expect(pullAll(treeOf(server))).toEqual(new Map([...pullAll(before)].filter(([, content]) => content !== undefined)));
    const removed = before.files.size - treeOf(server).files.size;
    expect(removed).toBeGreaterThan(400);
    expect(bucket.changes.requests.delete).toBeLessThanOrEqual((removed / 1000) * 1.1 + 50);
    await bucket.close();
  });

  test.each([{ versioned: false }, { versioned: true }])(
    "is undone by restore (versioned: $versioned)",
    async ({ versioned }) => {
      const before = garbageRegistry(1);
      const server = await startedServer({ buckets: [{ name: "b", versioned }] });
      store(server, before);
      const bucket = await withBucket(server);
      const journal = temporaryDirectory();
      const { result } = await bucket.sweep(sweepOptions(journal, { quarantine: true }));
      expect(await bucket.codes()).toEqual([]);
      const run = readRun(journal, result.runId);
      expect(run.head.mode).toBe(versioned ? "versions" : "quarantine");
      const { problems } = await restoreObjects(run, bucket.changes);
      expect(problems).toEqual([]);
      expect(contentOf(treeOf(server))).toEqual(contentOf(before));
      await bucket.close();
    },
  );

  test("that keeps versions: so it is said of one that had nothing to remove, too", async () => {
    const registry = new RegistryBuilder();
    registry.repository("app").image({ layers: ["one"], tag: "latest" });
    const server = await startedServer({ buckets: [{ name: "b", versioned: true }] });
    store(server, registry.tree);
    const bucket = await withBucket(server);
    const { result } = await bucket.sweep(sweepOptions(temporaryDirectory(), { quarantine: true }));
    expect(result).toMatchObject({ quarantined: true, keepsVersions: true, deleted: { blobs: 0 } });
    await bucket.close();
  });

  test("a request that fails stops it before anything that comes after", async () => {
    const before = garbageRegistry(2);
    const server = await startedServer();
    store(server, before);
    const bucket = await withBucket(server);
    const link = [...before.files.keys()].find((file) => file.includes("repository-1/_layers")) ?? "";
    server.inject({
      operation: "DeleteObjects",
      key: link,
      times: Infinity,
      effect: { kind: "error", status: 403, code: "AccessDenied" },
    });
    const { result } = await bucket.sweep(sweepOptions(temporaryDirectory()));
    expect(result.stopped).toContain("AccessDenied");
    expect(result.deleted.blobs).toBe(0);
    expect(pullAll(treeOf(server))).toEqual(new Map([...pullAll(before)].filter(([, content]) => content !== undefined)));
    await bucket.close();
  });

  test("a policy that denies every delete: nothing was removed, and which action it lacks, although the lock is still there", async () => {
    const before = garbageRegistry(2);
    const server = await startedServer();
    store(server, before);
    for (const operation of ["DeleteObject", "DeleteObjects"])
      server.inject({ operation, key: /./, times: Infinity, effect: DENIED });
    const run = await sweepBucket(server, sweepOptions(temporaryDirectory()));
    expect(run).toMatchObject({
      exitCode: 5,
      why: expect.stringMatching(/nothing was removed: .*these credentials need s3:DeleteObject/) as unknown,
    });
    expect(run.lockLeft).toContain("its lock is still there");
    // Without the lock.
    expect(contentOf(treeOf(server))).toEqual(contentOf(before));
  });

  test("a policy that denies every copy: nothing was moved, and which actions it lacks", async () => {
    const before = garbageRegistry(2);
    const server = await startedServer();
    store(server, before);
    const bucket = await withBucket(server);
    server.inject({ operation: "CopyObject", key: /./, times: Infinity, effect: DENIED });
    const { result } = await bucket.sweep(sweepOptions(temporaryDirectory(), { quarantine: true }));
    expect(result.stopped).toMatch(/^nothing was removed: .*these credentials need s3:GetObject and s3:PutObject/);
    expect(contentOf(treeOf(server))).toEqual(contentOf(before));
    await bucket.close();
  });
});

const DENIED = { kind: "error", status: 403, code: "AccessDenied" } as const;
