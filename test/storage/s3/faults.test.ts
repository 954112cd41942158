import { describe, expect, test } from "vitest";
import { check } from "#regcheck/check.js";
import type { Report } from "#regcheck/report/report.js";
import type { S3Options } from "#regcheck/storage/s3/options.js";
import { S3Storage } from "#regcheck/storage/s3/s3.js";
import { detailOf } from "#regcheck/report/finding-words.js";
import { blobFile, RegistryBuilder, V2 } from "../../support/builder.js";
import { buildFixture } from "../../support/fixture.js";
import { optionsFor, retriesDuring, startedServer, store } from "../../support/s3-bucket.js";
import type { Effect, S3Server } from "../../support/s3-server/index.js";

const POLICY = { deleteUntagged: true, dropDanglingTags: true, grace: 0, now: Math.floor(Date.now() / 1000), pins: [] };

async function checked(server: S3Server, more: Partial<S3Options> = {}): Promise<Report> {
  const storage = new S3Storage(optionsFor(server, more));
  try {
    return await check(storage, { policy: POLICY });
  } finally {
    await storage.close();
  }
}

/** What a sweep might take. */
function offered(report: Report): string[] {
  const codes = new Set(["blob-unreferenced", "layer-link-unreferenced", "manifest-unreferenced"]);
  return [...report.findings()].filter((finding) => codes.has(finding.code)).map(({ path }) => path);
}

function faultsOf(report: Report): string[] {
  return [...report.findings()]
    .filter(({ code }) => code === "storage-unreadable")
    .map((fault) => `${fault.path}: ${detailOf(fault)}`);
}

/** A registry with an image that is tagged, one that is not, and a link that only a GET can tell. */
function registry() {
  const builder = new RegistryBuilder();
  const app = builder.repository("team/app");
  const image = app.image({ layers: ["a layer"], tag: "1" });
  app.image({ layers: ["another layer"] });
  const alias = app.pushAlias("aliased");
  app.image({ layers: [alias], tag: "2" });
  return { tree: builder.tree, manifest: blobFile(image.digest), alias: `${app.path}/${app.layerLink(alias.digest)}/link` };
}

const { tree, manifest, alias } = registry();

const OPERATIONS: readonly { readonly operation: string; readonly key: string; readonly path: string }[] = [
  { operation: "ListObjectsV2", key: `${V2}/blobs/`, path: `${V2}/blobs` },
  { operation: "ListObjectsV2", key: `${V2}/repositories/`, path: `${V2}/repositories` },
  { operation: "GetObject", key: manifest, path: manifest },
  { operation: "GetObject", key: alias, path: alias },
  { operation: "ListMultipartUploads", key: "", path: V2 },
];

const EFFECTS: Readonly<Record<string, Effect>> = {
  "403": { kind: "error", status: 403, code: "AccessDenied" },
  "500": { kind: "error", status: 500, code: "InternalError" },
  "503": { kind: "error", status: 503, code: "SlowDown" },
  "429": { kind: "error", status: 429, code: "TooManyRequests" },
  "an error inside a 200": { kind: "error-in-200", code: "InternalError" },
  reset: { kind: "reset" },
  "no answer": { kind: "stall" },
  "a body cut off": { kind: "short-body", framing: "cut" },
  "a short body": { kind: "short-body", framing: "clean" },
};
const CASES = OPERATIONS.flatMap((operation) =>
  Object.entries(EFFECTS).map(([name, effect]) => ({ ...operation, name, effect })),
);
const isListing = (operation: string): boolean => operation.startsWith("List");

describe("a fault that stays", () => {
  // The markers are listed first, by the same prefixes: these requests pass.
  const skipOf = (operation: string): number => (operation === "ListObjectsV2" ? 1 : 0);

  // Without the right to list uploads a check is complete all the same.
  const isDeniedUploads = (operation: string, name: string): boolean => operation === "ListMultipartUploads" && name === "403";
  test.each(
    CASES.filter(({ name, operation }) => !isDeniedUploads(operation, name)).filter(
      ({ name, operation }) => isListing(operation) || !/inside a 200|a short body/.test(name),
    ),
  )("$operation $key: $name: incomplete, and the path is named", async ({ operation, key, path, effect }) => {
    const server = await startedServer();
    store(server, tree);
    const fault = server.inject({ operation, key, skip: skipOf(operation), times: Number.POSITIVE_INFINITY, effect });
    const report = await checked(server, { retries: retriesDuring(effect, 2) });
    expect(fault.hits()).toBeGreaterThan(0);
    expect(report.complete).toBe(false);
    expect(faultsOf(report).some((text) => text.startsWith(`${path}: `))).toBe(true);
  });

  test.each(["NoSuchKey", "NoSuchVersion"])(
    "a manifest that is gone since it was listed (%s) is a fault, no absence",
    async (code) => {
      const server = await startedServer();
      store(server, tree);
      server.inject({ operation: "GetObject", key: manifest, times: Infinity, effect: { kind: "error", status: 404, code } });
      const report = await checked(server);
      expect(report.complete).toBe(false);
      expect(faultsOf(report)[0]).toContain(manifest);
    },
  );

  test("a manifest whose content is wrong each time is damage that holds its repository", async () => {
    const server = await startedServer();
    store(server, tree);
    server.inject({ operation: "GetObject", key: manifest, times: Infinity, effect: { kind: "wrong-body" } });
    const report = await checked(server);
    expect(report.complete).toBe(true);
    expect(report.counts["manifest-corrupt"]).toBe(1);
    expect(offered(report)).toEqual([]);
  });
});

describe("a fault that passes", () => {
  test.each(CASES.filter(({ name }) => name !== "403"))(
    "$operation $key: $name: as if nothing had been",
    async ({ operation, key, effect }) => {
      const server = await startedServer();
      store(server, tree);
      const sound = [...(await checked(server)).findings()];
      const fault = server.inject({ operation, key, effect, skip: operation === "ListObjectsV2" ? 1 : 0 });
      const report = await checked(server, { retries: retriesDuring(effect) });
      expect(fault.hits()).toBe(1);
      expect([...report.findings()]).toEqual(sound);
      expect(report.complete).toBe(true);
    },
  );

  test("a manifest that comes with a wrong content once is read again", async () => {
    const server = await startedServer();
    store(server, tree);
    server.inject({ operation: "GetObject", key: manifest, effect: { kind: "wrong-body" } });
    expect((await checked(server)).counts["manifest-corrupt"]).toBeUndefined();
  });
});

describe("a listing that contradicts itself", () => {
  const KINDS = ["truncated-without-token", "repeated-token", "looping-token", "unordered"] as const;
  const cases = KINDS.flatMap((kind) => ["blobs", "repositories"].map((directory) => ({ kind, directory })));

  test.each(cases)("$kind in $directory: incomplete", async ({ kind, directory }) => {
    const server = await startedServer();
    store(server, buildFixture());
    server.inject({ operation: "ListObjectsV2", key: `${V2}/${directory}/`, skip: 1, times: 2, effect: { kind } });
    const report = await checked(server);
    expect(report.complete).toBe(false);
    expect(faultsOf(report).join("\n")).toContain("the listing broke off");
  });
});

describe("throttling", () => {
  test("brings the requests in flight down, and the scan is complete", async () => {
    const builder = new RegistryBuilder();
    const app = builder.repository("team/app");
    for (let i = 0; i < 400; i++) app.image({ layers: [], config: `{"number":${i}}`, tag: `v${i}` });
    const server = await startedServer({ latency: 5 });
    store(server, builder.tree);
    const effect: Effect = { kind: "error", status: 503, code: "SlowDown" };
    const fault = server.inject({ operation: "GetObject", skip: 100, times: 60, effect });
    const storage = new S3Storage(
      optionsFor(server, { concurrency: 32, retries: { attempts: 6, delay: 2, timeout: 2000, patience: 60_000 } }),
    );
    const report = await check(storage, { policy: POLICY });
    await storage.close();
    expect(fault.hits()).toBe(60);
    expect(report.complete).toBe(true);
    expect(report.totals.tags).toBe(400);
    expect(report.requests.get).toBe(400 + 60);
  });

  test.each([1, 8])("never more than --concurrency %d requests in flight", async (concurrency) => {
    const builder = new RegistryBuilder();
    for (let i = 0; i < 30; i++) builder.repository(`team/app${i}`).image({ layers: [`layer ${i}`], tag: "1" });
    // So long that a slow machine, too, sends eight requests in the time of one.
    const server = await startedServer({ latency: concurrency === 1 ? 1 : 200 });
    store(server, builder.tree);
    await checked(server, { concurrency });
    expect(server.peak()).toBe(concurrency);
  });
});

test.each(["ListObjectsV2", "GetObject"])("a clock that is set in the middle of a run is no fault (%s)", async (operation) => {
  const server = await startedServer();
  store(server, tree);
  const effect = { kind: "error", status: 403, code: "RequestTimeTooSkewed" } as const;
  const fault = server.inject({ operation, skip: operation === "ListObjectsV2" ? 4 : 0, effect });
  const report = await checked(server);
  expect([fault.hits(), faultsOf(report), report.complete]).toEqual([1, [], true]);
});
