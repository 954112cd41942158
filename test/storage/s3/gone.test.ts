import fs from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { check } from "#regcheck/check.js";
import { retriesFor } from "#regcheck/storage/s3/options.js";
import { S3Storage } from "#regcheck/storage/s3/s3.js";
import { detailOf } from "#regcheck/report/finding-words.js";
import type { Report } from "#regcheck/report/report.js";
import { FilesystemStorage } from "#regcheck/storage/filesystem/filesystem.js";
import { arbitraryRegistry, GRACE, NOW } from "../../support/arbitrary-registry.js";
import { RegistryBuilder } from "../../support/builder.js";
import { regcheck } from "../../support/run.js";
import { CREDENTIALS, optionsFor, retriesDuring, startedServer, store } from "../../support/s3-bucket.js";
import type { Effect, S3Server } from "../../support/s3-server/index.js";
import type { RegistryTree } from "../../support/registry-tree.js";
import { written } from "../../support/temporary.js";
import { reportOf } from "../suite.js";

const POLICY = { deleteUntagged: false, dropDanglingTags: false, grace: 0, now: Math.floor(Date.now() / 1000), pins: [] };
const MANIFESTS = 300;

function manyManifests() {
  const builder = new RegistryBuilder();
  const app = builder.repository("team/app");
  for (let i = 0; i < MANIFESTS; i++) app.image({ layers: [`layer ${i}`], tag: `${i}` });
  return builder.tree;
}

describe("a server that goes in the middle of a check", () => {
  test.each<[string, Effect]>([
    ["hangs", { kind: "stall" }],
    ["breaks each connection", { kind: "reset" }],
    ["answers with errors alone", { kind: "error", status: 500, code: "InternalError" }],
  ])("and %s is not asked for each of the objects that are left", async (_, effect) => {
    const server = await startedServer();
    store(server, manyManifests());
    const fault = server.inject({ operation: "GetObject", skip: 20, times: Number.POSITIVE_INFINITY, effect });
    const retries = { ...retriesDuring(effect, 2), ...(effect.kind === "stall" ? { patience: 7000 } : {}) };
    const storage = new S3Storage(optionsFor(server, { concurrency: 8, retries }));
    const report = await check(storage, { policy: POLICY }).finally(() => void storage.close());
    expect(report.complete).toBe(false);
    expect(fault.hits()).toBeLessThan(MANIFESTS / 4);
    const causes = [...report.findings(["storage-unreadable"])].map(detailOf);
    expect(causes).toContainEqual(expect.stringMatching(/^not asked any more: the server has not answered for \d+ s$/));
  });

  test("and answers again is asked again", async () => {
    const server = await startedServer();
    store(server, manyManifests());
    server.inject({ operation: "GetObject", skip: 20, times: 10, effect: { kind: "reset" } });
    const storage = new S3Storage(
      optionsFor(server, { concurrency: 8, retries: { attempts: 4, delay: 20, timeout: 20_000, patience: 60_000 } }),
    );
    const report = await check(storage, { policy: POLICY }).finally(() => void storage.close());
    expect(report.complete).toBe(true);
  });
});

describe("the patience with a server", () => {
  const KEYS = { AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId, AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey };

  test("is a minute: no attempt is begun that would end later", () => {
    const { timeout, patience, delay } = retriesFor();
    expect(patience).toBe(60_000);
    expect(2 * timeout + delay).toBeLessThanOrEqual(60_000);
  });

  test("is what --timeout says, and then the server is named", async () => {
    const server = await startedServer();
    server.inject({ times: Number.POSITIVE_INFINITY, effect: { kind: "stall" } });
    const began = performance.now();
    const { exitCode, stderr } = await regcheck(["s3://b", "--endpoint", server.endpoint, "--timeout", "3s"], KEYS);
    // Less than the patience where nothing is said; the start of the program is in it.
    expect(performance.now() - began).toBeLessThan(40_000);
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(
      new RegExp(`^regcheck: s3://b: cannot be reached at ${server.endpoint}: [A-Za-z]+: no answer in time\n$`),
    );
  });
});

describe("what goes between the listing and its reading", () => {
  const ID = "b6a1d2f4-3f58-4b6f-8c80-0a1b2c3d4e5f";

  /** A server on which what matches is listed, and cannot be read any more. */
  async function withGone(tree: RegistryTree, key: string | RegExp): Promise<S3Server> {
    const server = await startedServer();
    store(server, tree);
    for (const operation of ["GetObject", "HeadObject"])
      server.inject({ operation, key, times: Infinity, effect: { kind: "error", status: 404, code: "NoSuchKey" } });
    return server;
  }

  function registry(): RegistryTree {
    const builder = new RegistryBuilder();
    const app = builder.repository("app");
    app.image({ layers: ["a layer"], tag: "1" });
    app.image({ layers: ["another"], tag: "2" });
    app.upload(ID, "2023-01-01T00:00:00Z");
    return builder.tree;
  }

  async function checked(key: string | RegExp): Promise<Report> {
    const storage = new S3Storage(optionsFor(await withGone(registry(), key), { readLinks: true }));
    return check(storage, { policy: POLICY }).finally(() => void storage.close());
  }

  test("an upload that has ended is none", async () => {
    const report = await checked(/startedat$/);
    expect([...report.findings()]).toEqual([]);
    expect(report.complete).toBe(true);
  });

  test("a tag that was deleted is none", async () => {
    const report = await checked(/tags\/2\//);
    expect(report.complete).toBe(true);
    expect(report.counts).not.toHaveProperty("tag-without-current");
  });

  test("a tag whose link is lost, and not its history, has lost it", async () => {
    const report = await checked(/tags\/2\/current\/link$/);
    expect(report.complete).toBe(true);
    expect([...report.findings(["tag-without-current"])]).toMatchObject([{ tag: "2", cause: { kind: "had-link" } }]);
  });

  test("a history that is read with a fault leaves the check incomplete", async () => {
    const server = await withGone(registry(), /tags\/2\/current\/link$/);
    server.inject({
      operation: "GetObject",
      key: /tags\/2\/index\//,
      times: Infinity,
      effect: { kind: "error", status: 403, code: "AccessDenied" },
    });
    const storage = new S3Storage(optionsFor(server, { readLinks: true }));
    const report = await check(storage, { policy: POLICY }).finally(() => void storage.close());
    expect(report.complete).toBe(false);
  });

  test("gives the report that it gives on a filesystem", async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryRegistry, fc.nat(), async ({ tree }, at) => {
        const links = [...tree.files.keys()].filter((file) => mayGo(tree, file));
        const gone = links[at % Math.max(links.length, 1)];
        if (gone === undefined) return;
        const directory = written(tree);
        fs.rmSync(path.join(directory, gone));
        const policy = { now: NOW, grace: GRACE };
        const server = await withGone(tree, gone);
        expect(await reportOf(new S3Storage(optionsFor(server, { readLinks: true })), policy), gone).toEqual(
          await reportOf(FilesystemStorage.open(directory, { concurrency: 1 }), policy),
        );
      }),
      { numRuns: 15, endOnFailure: true },
    );
  });

  /** What is empty is known without a reading; a tag without a history leaves an empty directory on a filesystem alone. */
  function mayGo(tree: RegistryTree, file: string): boolean {
    if (!/\/_(?:layers|manifests)\/.*\/link$/.test(file) || tree.files.get(file)?.content.length === 0) return false;
    const [, tag] = /^(.*\/tags\/[^/]+\/)/.exec(file) ?? [];
    return tag === undefined || [...tree.files.keys()].filter((other) => other.startsWith(tag)).length > 1;
  }
});
