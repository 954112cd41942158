import { describe, expect, test } from "vitest";
import { check } from "#regcheck/check.js";
import type { Report } from "#regcheck/report/report.js";
import { S3Storage } from "#regcheck/storage/s3/s3.js";
import { BENCHMARK, generate } from "../../support/generate.js";
import type { GenerateOptions } from "../../support/generate.js";
import { RegistryBuilder } from "../../support/builder.js";
import { RegistryTree } from "../../support/registry-tree.js";
import { optionsFor, startedServer, store } from "../../support/s3-bucket.js";
import type { S3Server } from "../../support/s3-server/index.js";

const POLICY = { deleteUntagged: true, dropDanglingTags: false, grace: 0, now: Math.floor(Date.now() / 1000), pins: [] };

async function checked(server: S3Server, concurrency = 64): Promise<Report> {
  const storage = new S3Storage(optionsFor(server, { concurrency }));
  try {
    return await check(storage, { policy: POLICY });
  } finally {
    await storage.close();
  }
}

function generated(options: Partial<GenerateOptions>): RegistryTree {
  const tree = new RegistryTree();
  for (const { path, content } of generate({ ...BENCHMARK, layerBytes: 20, ...options })) tree.write(path, content);
  return tree;
}

function manyTags(): RegistryTree {
  const builder = new RegistryBuilder();
  const app = builder.repository("a/very/deep/name/of/a/team/app");
  const image = app.image({ layers: ["x"], tag: "latest" });
  for (let i = 0; i < 9000; i++) app.tag(`build-${i}`, image.digest);
  return builder.tree;
}

function smallRepositories(): RegistryTree {
  const builder = new RegistryBuilder();
  for (let i = 0; i < 2500; i++) {
    const app = builder.repository(`org${i % 7}/app-${i}`);
    app.image({ layers: [`layer ${i}`], config: `{"n":${i}}`, tag: "1" });
  }
  return builder.tree;
}

/** Names that are prefixes of each other, where bytes sort otherwise than directories. */
function nested(): RegistryTree {
  const builder = new RegistryBuilder();
  for (const name of ["foo", "foo-bar", "foo.bar", "foo/bar", "foo0", "foo/bar/baz", "fo", "foo/b"])
    for (let i = 0; i < 200; i++)
      builder.repository(name).image({ layers: [`${name} ${i}`], config: `{"${name}":${i}}`, tag: `v${i}` });
  return builder.tree;
}

const SHAPES: Readonly<Record<string, () => RegistryTree>> = {
  "repositories of several pages": () => generated({ repositories: 12, images: 300 }),
  "one repository with nearly all keys": () => generated({ repositories: 1, images: 2500, layers: 2 }),
  "small repositories": smallRepositories,
  "one repository with many tags": manyTags,
  "names that begin alike": nested,
};

describe("requests", () => {
  test.each(Object.entries(SHAPES))("%s: 1.05 x (keys / 1000 + manifests) + 20 are enough", async (_, make) => {
    const tree = make();
    const server = await startedServer();
    store(server, tree);
    const report = await checked(server);
    const manifests = new Set(
      [...tree.files.keys()].filter((file) => file.includes("/_manifests/revisions/")).map((file) => file.split("/").at(-2)),
    );
    const { ListObjectsV2: list = 0, GetObject: get = 0, ...others } = server.requests;
    expect(get).toBe(manifests.size);
    expect(list).toBeLessThanOrEqual((1.05 * tree.files.size) / 1000 + 20);
    // Whether the bucket deletes blobs and links by itself.
    expect(others).toEqual({ ListMultipartUploads: 1, HeadObject: 2 });
    expect(report.requests).toEqual({ list: list + 1, get, head: 2, put: 0, delete: 0 });
    expect(report.complete).toBe(true);
    expect(report.totals.blobs).toBe([...tree.files.keys()].filter((file) => file.includes("/blobs/")).length);
    // Each tag once, and whole, however the keys were divided.
    expect(report.totals.tags).toBe([...tree.files.keys()].filter((file) => file.endsWith("/current/link")).length);
    const links = [...tree.files.keys()].filter((file) => file.includes("/_layers/"));
    expect(report.totals.layerLinks).toBe(links.length);
    expect(report.totals.repositories).toBe(new Set(links.map((file) => file.split("/_")[0])).size);
  });

  test("2,000 keys are listed with 3 requests", async () => {
    const tree = generated({ repositories: 2, images: 30 });
    const server = await startedServer();
    store(server, tree);
    await checked(server);
    const pages = server.log.filter(
      ({ operation, query }) =>
        operation === "ListObjectsV2" && query["max-keys"] === undefined && !query["prefix"]?.startsWith("regcheck/"),
    );
    expect(tree.files.size).toBeLessThan(2000);
    expect(pages).toHaveLength(2);
  });

  test.each([
    ["one repository with nearly all keys", 2],
    ["repositories of several pages", 2],
    ["small repositories", 2],
    ["one repository with many tags", 1],
  ])("the work is shared out: %s", async (shape, atOnce) => {
    const server = await startedServer({ latency: 100 });
    store(server, SHAPES[shape]?.() ?? new RegistryTree());
    const storage = new S3Storage(optionsFor(server, { concurrency: 64 }));
    for await (const listing of storage.repositories()) expect(listing.faults).toEqual([]);
    await storage.close();
    expect(server.peak()).toBeGreaterThan(atOnce);
  });
});
