import { describe, expect, onTestFinished, test } from "vitest";
import { check } from "#regcheck/check.js";
import { S3Storage } from "#regcheck/storage/s3/s3.js";
import { readRun } from "#regcheck/journal/read-run.js";
import { restoreObjects } from "#regcheck/undo/restore.js";
import { sweep } from "#regcheck/sweep.js";
import type { SweepOptions } from "#regcheck/sweep.js";
import { untag } from "#regcheck/untag.js";
import { RegistryBuilder, V2 } from "../support/builder.js";
import type { RegistryTree } from "../support/registry-tree.js";
import { optionsFor, startedServer, store } from "../support/s3-bucket.js";
import type { S3Server } from "../support/s3-server/index.js";
import { contentOf, sweepOptions } from "../support/sweeping.js";
import { changesOf, treeOf } from "../support/sweeping-s3.js";
import { temporaryDirectory } from "../support/temporary.js";

const SHA512 = `sha512/${"5".repeat(128)}`;

/**
 * Repositories with each three dangling tags and three stale uploads of several objects, and a tag that stays. The tags have histories: of a
 * manifest that stays, of one that goes, of the one that is gone, of none.
 */
function registry(repositories: number): RegistryTree {
  const builder = new RegistryBuilder();
  for (let i = 0; i < repositories; i++) {
    const app = builder.repository(`team/app-${i}`);
    const kept = app.image({ layers: [`kept ${i}`], config: `kept ${i}`, tag: "kept" });
    const untagged = app.image({ layers: [`untagged ${i}`], config: `untagged ${i}` });
    const gone = app.image({ layers: [`gone ${i}`], config: `gone ${i}` });
    for (const tag of ["a", "a-b", "b"]) for (const { digest } of [kept, untagged, gone]) app.tag(tag, digest);
    app.link(`_manifests/tags/a/index/${SHA512}`, SHA512.replace("/", ":"));
    builder.tree.write(`${app.path}/_manifests/tags/a-b/current/link.0f7c1c8e.tmp`, "");
    app.deleteManifest(gone);
    for (let n = 0; n < 3; n++) {
      const id = `${String(i).padStart(8, "0")}-0000-4000-8000-00000000000${n}`;
      app.upload(id, "2023-01-01T00:00:00Z");
      for (const offset of ["0", "12"]) builder.tree.write(`${app.path}/_uploads/${id}/hashstates/sha256/${offset}`, "state");
    }
    builder.blob(`nobody's ${i}`);
  }
  return builder.tree;
}

function opened(server: S3Server): S3Storage {
  const storage = new S3Storage(optionsFor(server));
  onTestFinished(() => storage.close());
  return storage;
}

const total = (requests: Readonly<Record<string, number>>): number =>
  Object.values(requests).reduce((sum, some) => sum + some, 0);

/** Sweeps the bucket with changes that count their requests. */
async function swept(server: S3Server, options: SweepOptions) {
  const storage = opened(server);
  const changes = changesOf(server);
  const { result } = await sweep({ storage, changes }, options);
  expect(result.stopped).toBeUndefined();
  return { result, requests: changes.requests, used: total({ ...changes.requests }) };
}

async function codesOf(server: S3Server): Promise<string[]> {
  const storage = opened(server);
  const { policy } = sweepOptions("").check;
  return [...(await check(storage, { policy })).findings()].map(({ code }) => code);
}

describe("a sweep of a bucket with hundreds of dangling tags and stale uploads", () => {
  const before = registry(100);

  test("takes a request for a thousand objects, and none for each tag or upload", async () => {
    const server = await startedServer();
    store(server, before);
    const { result, requests, used } = await swept(server, sweepOptions(temporaryDirectory()));
    const after = treeOf(server);
    const removed = before.files.size - after.files.size;
    expect(result.deleted).toMatchObject({ tags: 300, uploads: 300, revisions: 100 });
    expect(removed).toBeGreaterThan(2800);
    expect(used, JSON.stringify(requests)).toBeLessThanOrEqual((removed / 1000) * 1.1 + 50);
    // The lock, the reading of whether the bucket keeps versions, and what is rounded up: each stage ends with a request of its own.
    expect(used, JSON.stringify(requests)).toBeLessThanOrEqual(removed / 1000 + 20);
    expect([...after.files.keys()].filter((file) => /_uploads|tags\/(?!kept\/)/.test(file))).toEqual([]);
    expect(await codesOf(server)).toEqual([]);
  });

  test.each([3, 10, 50])("of which a listing shows %i keys a page, and parts of a repository in any order", async (keys) => {
    const server = await startedServer();
    const small = registry(3);
    store(server, small);
    server.inject({ operation: "ListObjectsV2", times: Infinity, effect: { kind: "short-pages", keys } });
    const { result } = await swept(server, sweepOptions(temporaryDirectory()));
    expect(result.deleted).toMatchObject({ tags: 9, uploads: 9 });
    expect([...treeOf(server).files.keys()].filter((file) => /_uploads|tags\/(?!kept\/)/.test(file))).toEqual([]);
  });

  test("writes each object once into its journal, though a history goes by itself and with its tag", async () => {
    const server = await startedServer({ buckets: [{ name: "b", versioned: true }] });
    const small = registry(20);
    store(server, small);
    const journal = temporaryDirectory();
    const { result } = await swept(server, sweepOptions(journal, { quarantine: true }));
    const run = readRun(journal, result.runId);
    const paths = Array.from(run.removals(), (removal) => removal.path);
    expect(new Set(paths).size).toBe(paths.length);
    expect(paths.length).toBe(small.files.size - contentOf(treeOf(server)).size);
    const sizes = Array.from(run.removals(), ({ bytes }) => bytes);
    expect(result.deleted.bytes).toBe(sizes.reduce((sum, bytes) => sum + bytes, 0));

    expect((await restoreObjects(run, changesOf(server))).problems).toEqual([]);
    expect(contentOf(treeOf(server))).toEqual(contentOf(small));
  });

  test("takes a tag's whole history with it where the reviewed plan has no entry of it", async () => {
    const server = await startedServer();
    store(server, registry(2));
    const reviewed: SweepOptions["reviewed"] = { allows: ({ kind }) => kind !== "tag-index", items: 0, lacking: [] };
    const { result } = await swept(server, sweepOptions(temporaryDirectory(), { reviewed }));
    expect(result.deleted).toMatchObject({ tags: 6, uploads: 6, revisions: 2 });
    expect([...treeOf(server).files.keys()].filter((file) => /tags\/(?!kept\/)/.test(file))).toEqual([]);
  });

  test("leaves what was written since the mark has seen the upload", async () => {
    const small = registry(1);
    const server = await startedServer();
    store(server, small);
    const upload = [...small.files.keys()].find((file) => file.endsWith("/data") && file.includes("_uploads")) ?? "";
    const late = upload.replace(/data$/, "late");
    const storage = opened(server);
    const options = sweepOptions(temporaryDirectory());
    // When the roots are read again nothing has changed yet.
    const changes = changesOf(server);
    const keepsVersions = changes.keepsVersions.bind(changes);
    changes.keepsVersions = () => {
      server.put("b", late, "late");
      return keepsVersions();
    };
    await sweep({ storage, changes }, { ...options, quarantine: true });
    const left = [...contentOf(treeOf(server)).keys()];
    expect(left.filter((file) => file.includes("_uploads"))).toEqual([late]);
  });

  test("takes folder markers along with what they lie in", async () => {
    const server = await startedServer();
    const small = registry(1);
    store(server, small);
    const [, upload] = [...small.files.keys()].flatMap((file) => /^(.*_uploads\/[^/]+\/)data$/.exec(file) ?? []);
    const tags = `${V2}/repositories/team/app-0/_manifests/tags`;
    for (const marker of [`${tags}/b/`, `${tags}/b/index/sha256/`, `${tags}/b/current/`, `${upload}`, `${upload}hashstates/`])
      server.put("b", marker, "", { modified: new Date(0) });
    server.put("b", `${tags}/only-a-marker/`, "", { modified: new Date(0) });
    await swept(server, sweepOptions(temporaryDirectory()));
    const left = [...treeOf(server).files.keys()];
    expect(left.filter((file) => file.endsWith("/"))).toEqual([`${tags}/only-a-marker/`]);
  });
});

function untagOptions(journalDirectory: string) {
  const writers = { registryUrls: [], registryStopped: true, config: undefined, probe: {} };
  const { signal } = new AbortController();
  return { writers, grace: 0, quarantine: false, journalDirectory, signal };
}

test("untag asks a bucket for no listing of each tag, and removes their whole history", async () => {
  const before = registry(20);
  const server = await startedServer();
  store(server, before);
  const storage = opened(server);
  const changes = changesOf(server);
  const references = Array.from({ length: 20 }, (_, i) => `team/app-${i}`).flatMap((repository) =>
    ["a", "a-b", "b", "kept"].map((tag) => ({ repository, tag })),
  );
  const { result } = await untag({ storage, changes }, references, untagOptions(temporaryDirectory()));
  expect(result).toMatchObject({ stopped: undefined, deleted: { tags: 80 } });
  const isOfTag = (file: string): boolean => file.includes("/_manifests/tags/");
  const expected = [...before.files.keys()].filter((file) => !isOfTag(file)).sort();
  expect([...treeOf(server).files.keys()].sort()).toEqual(expected);
  expect(total({ ...changes.requests }), JSON.stringify(changes.requests)).toBeLessThanOrEqual(15);
});

test("untag is refused where the listing broke off: the tag may have more than was seen", async () => {
  const before = registry(1);
  const server = await startedServer();
  store(server, before);
  const key = `${V2}/repositories/team/app-0/_`;
  // The last key that is seen is one of `team/app-0:b`.
  const seen = [...before.files.keys()]
    .sort()
    .filter((file) => file.startsWith(key) && file < `${key}manifests/tags/b/index/sha256/3`);
  server.inject({ operation: "ListObjectsV2", key, times: 1, effect: { kind: "short-pages", keys: seen.length } });
  server.inject({
    operation: "ListObjectsV2",
    key,
    times: Infinity,
    effect: { kind: "error", status: 403, code: "AccessDenied" },
  });
  const storage = opened(server);
  const options = untagOptions(temporaryDirectory());
  const untagging = untag({ storage, changes: changesOf(server) }, [{ repository: "team/app-0", tag: "b" }], options);
  await expect(untagging).rejects.toMatchObject({ exitCode: 3 });
  expect(contentOf(treeOf(server))).toEqual(contentOf(before));
});

test.each([
  ["beside many that stay", 1],
  ["alone", 0],
])("a sweep into the quarantine, and its restore, take hardly more requests than objects: %s", async (_, kept) => {
  const builder = new RegistryBuilder();
  for (let i = 0; i < 80; i++) {
    const app = builder.repository(`team/app-${i}`);
    const layers = Array.from({ length: 20 * kept + 1 }, (__, n) => `kept ${i} ${n}`);
    app.image({ layers, config: `kept ${i}`, tag: "kept" });
    app.image({ layers: [`untagged ${i}`, `another ${i}`], config: `untagged ${i}` });
  }
  const server = await startedServer();
  store(server, builder.tree);
  const journal = temporaryDirectory();
  const { result, requests, used } = await swept(server, sweepOptions(journal, { quarantine: true }));
  const run = readRun(journal, result.runId);
  const objects = [...run.removals()].length;
  expect(objects).toBeGreaterThan(400);
  expect(used, JSON.stringify(requests)).toBeLessThanOrEqual(1.2 * objects + 100);
  const restoring = changesOf(server);
  expect((await restoreObjects(run, restoring)).problems).toEqual([]);
  const made = { ...restoring.requests };
  expect(made.get, "no blob is read").toBeLessThan(10);
  expect(total(made), JSON.stringify(made)).toBeLessThanOrEqual(1.2 * objects + 100);
  expect(contentOf(treeOf(server))).toEqual(contentOf(builder.tree));
});
