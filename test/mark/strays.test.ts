import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { check } from "#regcheck/check.js";
import type { Report } from "#regcheck/report/report.js";
import { FilesystemStorage } from "#regcheck/storage/filesystem/filesystem.js";
import { S3Storage } from "#regcheck/storage/s3/s3.js";
import type { Storage } from "#regcheck/storage/storage.js";
import { blobFile, RegistryBuilder, V2 } from "../support/builder.js";
import type { RegistryTree } from "../support/registry-tree.js";
import { optionsFor, startedServer, store } from "../support/s3-bucket.js";
import { temporaryDirectory, written } from "../support/temporary.js";

const POLICY = { deleteUntagged: true, dropDanglingTags: false, grace: 0, now: Math.floor(Date.now() / 1000), pins: [] };

async function checked(storage: Storage): Promise<Report> {
  try {
    return await check(storage, { policy: POLICY });
  } finally {
    await storage.close();
  }
}

const BACKENDS: readonly [string, (tree: RegistryTree) => Promise<Storage>][] = [
  ["a filesystem", async (tree) => FilesystemStorage.open(written(tree), { concurrency: 1 })],
  [
    "S3",
    async (tree) => {
      const server = await startedServer();
      store(server, tree);
      return new S3Storage(optionsFor(server));
    },
  ],
];

function registry() {
  const builder = new RegistryBuilder();
  const app = builder.repository("team/app");
  const layer = app.push("a layer");
  const image = app.image({ layers: [layer], tag: "1" });
  app.image({ layers: ["garbage of this repository"] });
  builder.repository("team/other").image({ layers: ["garbage of another"] });
  builder.repository("team/other").image({ layers: ["kept"], tag: "1" });
  return { tree: builder.tree, app, layer, image };
}

function straysOf(report: Report) {
  return [...report.findings()]
    .filter(({ code }) => code.startsWith("stray-"))
    .map(({ code, path: file, repository, bytes }) => ({ code, path: file, repository, bytes }));
}

describe.each(BACKENDS)("what lies outside the layout, on %s", (_, open) => {
  const { app, layer, image } = registry();
  const tags = `${app.path}/_manifests/tags`;
  const revision = `${app.path}/${app.revisionLink(image.digest)}`;
  const link = `${app.path}/${app.layerLink(layer.digest)}`;
  const blob = path.posix.dirname(blobFile(layer.digest));

  test.each([
    ["stray-among-tags", `${tags}/.DS_Store`, "team/app"],
    ["stray-among-tags", `${tags}/bad~name`, "team/app"],
    ["stray-among-tags", `${tags}/Thumbs.db`, "team/app"],
    ["stray-aborts-collector", `${V2}/blobs/sha256/5b/5bd0/data`, undefined],
    ["stray-aborts-collector", `${V2}/blobs/data`, undefined],
    ["stray-aborts-collector", `${V2}/blobs/old/copy/of/data`, undefined],
    ["stray-aborts-collector", `${blob}/@eaDir/data`, undefined],
    ["stray-aborts-collector", `${revision}/@eaDir/link`, "team/app"],
    ["stray-aborts-collector", `${app.path}/_layers/sha256/junk/link`, "team/app"],
    ["stray-aborts-collector", `${V2}/repositories/_layers/x`, undefined],
    ["stray-object", `${blob}/.nfs0001`, undefined],
    ["stray-object", `${link}/.nfs0001`, "team/app"],
    ["stray-object", `${revision}/.nfs0001`, "team/app"],
    ["stray-object", `${tags}/1/.nfs0001`, "team/app"],
    ["stray-object", `${tags}/1/current/.nfs0001`, "team/app"],
    ["stray-object", `${app.path}/_layers/.nfs0001`, "team/app"],
  ])("%s: %s", async (code, stray, repository) => {
    const { tree } = registry();
    const without = await checked(await open(tree));
    tree.write(stray, "17 bytes in there");
    const report = await checked(await open(tree));
    expect(straysOf(report)).toEqual([{ code, path: stray, repository, bytes: 17 }]);
    expect(report.complete).toBe(true);
    expect(report.severities.error).toBe(without.severities.error);
  });

  test.each([
    [`${blob}/@eaDir`, undefined],
    [`${link}/@eaDir`, "team/app"],
    [`${app.path}/_manifests/tags/1/@eaDir`, "team/app"],
    [`${app.path}/_layers/sha256/@eaDir`, "team/app"],
    [`${V2}/blobs/lost+found`, undefined],
  ])("a directory is one finding, with all its bytes: %s", async (stray, repository) => {
    const { tree } = registry();
    for (const file of ["SYNO@.fileindexdb", "data@SynoEAStream", "sub/link@SynoEAStream"])
      tree.write(`${stray}/${file}`, "ten bytes.");
    const report = await checked(await open(tree));
    expect(straysOf(report)).toEqual([{ code: "stray-object", path: stray, repository, bytes: 30 }]);
  });

  test("a file with a tag's name may be what is left of a tag: its repository is held, and no other", async () => {
    const { tree } = registry();
    tree.remove(`${tags}/1`);
    tree.write(`${tags}/1`, "what a broken filesystem leaves");
    const report = await checked(await open(tree));
    const garbage = [...report.findings(["manifest-unreferenced"])].filter(({ reclaimable }) => reclaimable);
    expect(garbage.map(({ repository }) => repository)).toEqual(["team/other"]);
    expect(report.complete).toBe(true);
  });
});

describe("what lies beside links and blobs on a filesystem", () => {
  /** A repository with so many layers. */
  function large(layers: number) {
    const builder = new RegistryBuilder();
    const app = builder.repository("app");
    const pushed = Array.from({ length: layers }, (_, i) => app.push(`layer ${i}`));
    app.image({ layers: pushed, tag: "1" });
    return { tree: builder.tree, links: pushed.map(({ digest }) => `${app.path}/${app.layerLink(digest)}`) };
  }

  test("what is in all directories is found in all", async () => {
    const { tree, links } = large(300);
    for (const link of links) tree.write(`${link}/._link`, "attributes");
    const report = await checked(FilesystemStorage.open(written(tree), { concurrency: 1 }));
    expect(report.counts["stray-object"]).toBe(300);
  });

  test("what is left of a blob that was deleted while it was read, over NFS", async () => {
    const { tree } = large(3);
    const gone = `${V2}/blobs/sha256/ab/${"ab".repeat(32)}`;
    tree.write(`${gone}/.nfs0001`, "the whole blob");
    const report = await checked(FilesystemStorage.open(written(tree), { concurrency: 1 }));
    expect([...report.findings(["stray-object"])]).toMatchObject([{ path: `${gone}/.nfs0001`, bytes: 14 }]);
  });

  test("what cannot be followed is no fault there", async () => {
    const { tree, links } = large(3);
    const directory = written(tree);
    fs.symlinkSync("/", path.join(directory, links[0] ?? "", "away"));
    const report = await checked(FilesystemStorage.open(directory, { concurrency: 1 }));
    expect([...report.findings()]).toMatchObject([{ code: "stray-object", path: `${links[0]}/away` }]);
    expect(report.complete).toBe(true);
  });
});

describe("a storage that nobody has pushed to", () => {
  test.each([[""], ["lost+found"], [`${V2}/repositories`], [`${V2}/blobs/sha256`]])("%j", async (below) => {
    const directory = temporaryDirectory();
    fs.mkdirSync(path.join(directory, below), { recursive: true });
    const opened = async (): Promise<Report> => checked(FilesystemStorage.open(directory));
    await expect(opened()).rejects.toMatchObject({ exitCode: 2, message: /nothing here yet, or not mounted/ });
  });
});

/** Only a bucket has them. What each does to 2.8 was tried on it. */
test.each([
  ["stray-stops-registry", `${V2}/repositories/`],
  ["stray-stops-registry", `${V2}/repositories/team/`],
  ["stray-stops-registry", `${V2}/repositories/team/app/`],
  ["stray-stops-registry", `${V2}/repositories/team//x`],
  ["stray-stops-registry", `${V2}/repositories/team/app/_uploads/`],
  ["stray-stops-registry", `${V2}/repositories/team/app/_uploads/junk/`],
  ["stray-stops-registry", `${V2}/repositories/team/app/_uploads/9c5e4f4e-93a6-4d0e-9c59-0f4f3f3f3f3f/hashstates/`],
  ["stray-object", `${V2}/repositories/team/app/_manifests/`],
  ["stray-object", `${V2}/repositories/team/app/_layers/sha256/`],
  ["stray-object", `${V2}/repositories/team/app/_other/`],
  ["stray-object", `${V2}/blobs/sha256/`],
])("%s: a key without a name at %s", async (code, key) => {
  const server = await startedServer();
  store(server, registry().tree);
  server.put("b", key, "", { modified: new Date(0) });
  expect(straysOf(await checked(new S3Storage(optionsFor(server)))).map((stray) => [stray.code, stray.path])).toEqual([
    [code, key],
  ]);
});

test("on a filesystem, one among many links or blobs is found at the latest where all blobs are read to their ends", async () => {
  const { tree, app } = registry();
  const layers = Array.from({ length: 300 }, (_, i) => app.push(`layer ${i}`));
  const link = `${app.path}/${app.layerLink(layers[150]?.digest ?? "")}/.nfs0001`;
  tree.write(link, "in use");
  // To list them all would cost more than to read one blob of many.
  for (const [parts, found] of [
    [1, [link]],
    [300, []],
  ] as const) {
    const storage = FilesystemStorage.open(written(tree), { concurrency: 1 });
    try {
      const report = await check(storage, { policy: POLICY, verify: { part: 1, parts } });
      expect(straysOf(report).map(({ path: file }) => file)).toEqual(found);
    } finally {
      await storage.close();
    }
  }
});
