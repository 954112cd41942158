import { describe, expect, test } from "vitest";
import { check } from "#regcheck/check.js";
import type { Report } from "#regcheck/report/report.js";
import { parsePage } from "#regcheck/storage/s3/page.js";
import { S3Storage } from "#regcheck/storage/s3/s3.js";
import { blobFile, RegistryBuilder } from "../../support/builder.js";
import type { RegistryTree } from "../../support/registry-tree.js";
import { optionsFor, startedServer, store } from "../../support/s3-bucket.js";

const POLICY = { deleteUntagged: false, dropDanglingTags: false, grace: 0, now: Math.floor(Date.now() / 1000), pins: [] };

/** The report of a bucket; `archived` are in an archive storage class. */
async function checked(tree: RegistryTree, archived: (key: string) => boolean = () => false): Promise<Report> {
  const server = await startedServer();
  store(server, tree);
  const storage = new S3Storage(optionsFor(server));
  const bucket: unknown = Reflect.get(storage, "bucket");
  if (typeof bucket !== "object" || bucket === null) throw new Error("no bucket");
  const list = Reflect.get(bucket, "list") as (request: object) => Promise<{ objects: Iterable<{ key: string }> }>;
  Reflect.set(bucket, "list", async (request: object) => {
    const page = await list.call(bucket, request);
    const mark = (object: { key: string }) => (archived(object.key) ? { ...object, isArchived: true } : object);
    return { ...page, objects: Array.from(page.objects, mark) };
  });
  try {
    return await check(storage, { policy: POLICY });
  } finally {
    await storage.close();
  }
}

describe("a listing says which objects are in an archive storage class", () => {
  const object = (more: string) =>
    `<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>k</Key><Size>1</Size><LastModified>2024-01-01T00:00:00Z</LastModified>${more}</Contents></ListBucketResult>`;

  test.each([
    ["<StorageClass>STANDARD</StorageClass>", undefined],
    ["<StorageClass>GLACIER_IR</StorageClass>", undefined],
    ["<StorageClass>GLACIER</StorageClass>", true],
    ["<StorageClass>DEEP_ARCHIVE</StorageClass>", true],
    [
      "<StorageClass>GLACIER</StorageClass><RestoreStatus><IsRestoreInProgress>false</IsRestoreInProgress><RestoreExpiryDate>2030-01-01T00:00:00Z</RestoreExpiryDate></RestoreStatus>",
      undefined,
    ],
    ["<StorageClass>GLACIER</StorageClass><RestoreStatus><IsRestoreInProgress>true</IsRestoreInProgress></RestoreStatus>", true],
  ])("%s", (more, isArchived) => {
    expect(parsePage(object(more)).objects[0]?.isArchived).toBe(isArchived);
  });

  test("what a pull needs is an error, what is garbage is not", async () => {
    const builder = new RegistryBuilder();
    const app = builder.repository("app");
    const layer = app.push("a layer");
    app.image({ layers: [layer], tag: "1" });
    const garbage = builder.blob("nobody's");
    const link = `${app.path}/${app.layerLink(layer.digest)}/link`;
    const report = await checked(builder.tree, (key) => [blobFile(layer.digest), blobFile(garbage.digest), link].includes(key));
    const found = [...report.findings(["object-archived"])].map(({ path, repository }) => [path, repository]);
    expect(found).toEqual([
      [blobFile(layer.digest), "app"],
      [link, "app"],
    ]);
    expect(report.severities.error).toBe(2);
  });
});

test("an empty scheduler-state.json keeps a pull-through cache from starting", async () => {
  const builder = new RegistryBuilder();
  builder.repository("app").image({ layers: ["a layer"], tag: "1" });
  builder.tree.write("scheduler-state.json", "");
  const report = await checked(builder.tree);
  expect([...report.findings(["proxy-state-invalid"])]).toMatchObject([
    { path: "scheduler-state.json", cause: { problem: "it is empty" } },
  ]);
});

describe("a second look at many dangling tags", () => {
  test.each([
    ["in one repository", 1, 2000],
    ["in several", 50, 40],
  ])("%s costs a listing", async (_, repositories, tags) => {
    const builder = new RegistryBuilder();
    for (let i = 0; i < repositories; i++) {
      const app = builder.repository(`app-${i}`);
      app.image({ layers: ["kept"], tag: "kept" });
      for (let n = 0; n < tags; n++) app.tag(`v${n}`, `sha256:${(i * tags + n).toString(16).padStart(64, "0")}`);
    }
    const report = await checked(builder.tree);
    expect(report.counts["tag-dangling"]).toBe(repositories * tags);
    const { head, list } = report.requests;
    // 4,200 keys are listed once to begin with; a HEAD for each tag and its revision would be 4,000.
    expect(head).toBeLessThanOrEqual(200);
    expect(head + list).toBeLessThan(200 + 60 + repositories);
  });

  test("and drops what has changed since", async () => {
    const builder = new RegistryBuilder();
    const app = builder.repository("app");
    const images = Array.from({ length: 150 }, (_, i) => app.image({ layers: [`${i}`], tag: `v${i}` }));
    const server = await startedServer();
    const revisions = images.map(({ digest }) => `${app.path}/${app.revisionLink(digest)}/link`);
    store(server, builder.tree);
    const late = revisions.map((key) => [key, builder.tree.text(key) ?? ""] as const);
    for (const [key] of late) builder.tree.remove(key);
    const without = await startedServer();
    store(without, builder.tree);
    const storage = new S3Storage(optionsFor(without));
    const multipart = storage.modified.bind(storage);
    storage.modified = (paths) => {
      for (const [key, content] of late.slice(0, 100)) without.put("b", key, content);
      return multipart(paths);
    };
    const report = await check(storage, { policy: POLICY });
    await storage.close();
    expect(report.counts["tag-dangling"]).toBe(50);
  });
});
