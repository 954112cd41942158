import { describe, expect, test } from "vitest";
import { check } from "#regcheck/check.js";
import type { Report } from "#regcheck/report/report.js";
import { parsePage } from "#regcheck/storage/s3/page.js";
import { isOfAws, parseS3Url } from "#regcheck/storage/s3/options.js";
import { S3Storage } from "#regcheck/storage/s3/s3.js";
import { blobFile, RegistryBuilder } from "../../support/builder.js";
import type { RegistryTree } from "../../support/registry-tree.js";
import { optionsFor, startedServer, store } from "../../support/s3-bucket.js";

const POLICY = { deleteUntagged: false, dropDanglingTags: false, grace: 0, now: Math.floor(Date.now() / 1000), pins: [] };

/** The report of a bucket; `archived` are in an archive storage class, and of these `refused` cannot be read. */
async function checked(tree: RegistryTree, archived: readonly string[] = [], refused = archived): Promise<Report> {
  const server = await startedServer();
  store(server, tree);
  for (const key of archived) {
    const { content, modified } = tree.files.get(key) ?? { content: "", modified: 0 };
    server.put("b", key, content, { modified: new Date(modified * 1000), storageClass: "GLACIER" });
  }
  for (const key of refused)
    server.inject({
      operation: "GetObject",
      key,
      times: Infinity,
      effect: { kind: "error", status: 403, code: "InvalidObjectState" },
    });
  const storage = new S3Storage(optionsFor(server));
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

  /** An image whose layer, with its link, and a blob that nobody needs are in an archive's class. */
  function aged(layers: number) {
    const builder = new RegistryBuilder();
    const app = builder.repository("app");
    const contents = Array.from({ length: layers }, (_, i) => app.push(`layer ${i}`));
    app.image({ layers: contents, tag: "1" });
    const paths = contents.flatMap(({ digest }) => [blobFile(digest), `${app.path}/${app.layerLink(digest)}/link`]);
    return { tree: builder.tree, paths, garbage: blobFile(builder.blob("nobody's").digest) };
  }
  const archivedIn = (report: Report) => [...report.findings(["object-archived"])].map(({ path }) => path);

  test("what a pull needs is an error, what is garbage is not", async () => {
    const { tree, paths, garbage } = aged(1);
    const report = await checked(tree, [...paths, garbage]);
    expect(archivedIn(report)).toEqual(paths);
    expect([...report.findings(["object-archived"])].map(({ repository }) => repository)).toEqual(["app", "app"]);
    expect(report.severities.error).toBe(2);
  });

  test("elsewhere than on AWS any class may have such a name: what can be read is in no archive, and that costs a few requests", async () => {
    const { tree, paths } = aged(30);
    const plain = await checked(tree);
    const report = await checked(tree, paths, []);
    expect(archivedIn(report)).toEqual([]);
    expect(report.requests.get - plain.requests.get).toBe(16);
  });

  test("of many, one that is refused tells of all behind it", async () => {
    const { tree, paths } = aged(30);
    const blobs = paths.filter((path) => path.endsWith("/data")).sort();
    const report = await checked(tree, blobs, blobs.slice(3, 4));
    expect(archivedIn(report).sort()).toEqual(blobs.slice(3));
  });

  test.each([
    [undefined, true],
    ["https://s3.eu-central-1.amazonaws.com", true],
    ["https://s3.cn-north-1.amazonaws.com.cn", true],
    ["https://minio.example.com", false],
    ["https://amazonaws.com.example.com", false],
  ])("the endpoint %s is of AWS: %s", (endpoint, expected) => {
    expect(isOfAws({ ...parseS3Url("s3://b"), endpoint })).toBe(expected);
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

describe("a key that only begins like the registry's own file is not that file", () => {
  function damaged(...keys: readonly string[]): RegistryTree {
    const builder = new RegistryBuilder();
    const app = builder.repository("app");
    const lost = app.push("lost");
    app.image({ layers: [lost], tag: "1" });
    builder.tree.remove(blobFile(lost.digest));
    for (const key of keys) builder.tree.write(key, "{}");
    return builder.tree;
  }

  test.each([
    "scheduler-state.json.bak",
    "scheduler-state.json/",
    "scheduler-state.json/file",
    "docker/registry/lockfiles/database-in-use.old",
    "docker/registry/lockfiles/database-in-use/file",
  ])("%s", async (key) => {
    const report = await checked(damaged(key));
    expect(report.truthElsewhere).toEqual([]);
    expect(report.counts["blob-missing"]).toBe(1);
  });

  test.each([
    ["scheduler-state.json", "proxy"],
    ["docker/registry/lockfiles/database-in-use", "gitlab"],
  ])("%s counts beside one", async (key, owner) => {
    const report = await checked(damaged(key, `${key}.old`, `${key}!`, `${key}/file`));
    expect(report.truthElsewhere).toMatchObject([{ owner }]);
  });
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
