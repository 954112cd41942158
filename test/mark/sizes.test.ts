import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { check } from "#regcheck/check.js";
import { FilesystemStorage } from "#regcheck/storage/filesystem/filesystem.js";
import { severityOf } from "#regcheck/report/catalogue.js";
import { blobFile, RegistryBuilder, TYPES } from "../support/builder.js";
import type { Descriptor } from "../support/builder.js";
import { LONG_AGO } from "../support/registry-tree.js";
import type { RegistryTree } from "../support/registry-tree.js";
import { written } from "../support/temporary.js";

/** Findings about sizes and content, and how many blobs were hashed for them. */
function judged(tree: RegistryTree, isVerified = false) {
  return judgedIn(written(tree), isVerified);
}

async function judgedIn(directory: string, isVerified = false) {
  const storage = FilesystemStorage.open(directory, { concurrency: 1 });
  let hashed = 0;
  const verify = storage.verifyBlobs.bind(storage);
  storage.verifyBlobs = (selections, onBytes) =>
    verify(
      [...selections].map((selection) => ((hashed += selection.sizes.length), selection)),
      onBytes,
    );
  const policy = { deleteUntagged: false, dropDanglingTags: false, grace: 0, now: LONG_AGO, pins: [] };
  try {
    const report = await check(storage, { policy, verify: isVerified ? { part: 1, parts: 1 } : undefined });
    return { findings: Array.from(report.findings(), (one) => `${severityOf(one)} ${one.code} ${String(one.digest)}`), hashed };
  } finally {
    await storage.close();
  }
}

function wrongSizeOf(layer: Descriptor): Descriptor {
  return { ...layer, size: layer.size + 1 };
}

/** Builders are known that count wrong (nix2container): the blob is as its digest says, and another image may live by it. */
describe("a blob of another size than a manifest says", () => {
  test("is sound: each manifest that says so is to blame, and the blob is hashed once", async () => {
    const registry = new RegistryBuilder();
    const app = registry.repository("team/app");
    const layer = app.push("a layer");
    const first = app.image({ layers: [wrongSizeOf(layer)], tag: "1" });
    const second = app.image({ layers: [wrongSizeOf(layer), "another"], tag: "2" });
    app.image({ layers: [layer], tag: "3" });
    const findings = [first, second].map(({ digest }) => `warning manifest-size-wrong ${digest}`);
    const { findings: found, hashed } = await judged(registry.tree);
    expect([found.toSorted(), hashed]).toEqual([findings.toSorted(), 1]);
  });

  test("is a child of an index: the index is to blame, once, and nothing is hashed but what is read anyway", async () => {
    const registry = new RegistryBuilder();
    const app = registry.repository("team/app");
    const children = ["amd64", "arm64"].map((config) => app.image({ layers: ["a layer"], config, tag: config }));
    const index = app.index(children.map(wrongSizeOf), "1");
    app.index(children, "2");
    app.index(
      children.map((child) => ({ ...child, size: 0 })),
      "without",
    );
    const { findings, hashed } = await judged(registry.tree);
    expect([findings, hashed]).toEqual([[`warning manifest-size-wrong ${index.digest}`], 0]);
  });

  test("is a child of an index, and broken: one finding about that", async () => {
    const registry = new RegistryBuilder();
    const app = registry.repository("team/app");
    const child = app.image({ layers: ["a layer"] });
    app.index([child], "1");
    registry.tree.write(blobFile(child.digest), "{");
    expect((await judged(registry.tree)).findings).toEqual([`error manifest-corrupt ${child.digest}`]);
  });

  test("is broken: one finding about the blob, whatever the number of images", async () => {
    const registry = new RegistryBuilder();
    const app = registry.repository("team/app");
    const layer = app.push("a layer");
    app.image({ layers: [layer], tag: "1" });
    app.image({ layers: [layer, "another"], tag: "2" });
    registry.tree.write(blobFile(layer.digest), "a lay");
    expect(await judged(registry.tree)).toEqual({ findings: [`error blob-size-mismatch ${layer.digest}`], hashed: 1 });
  });

  test("is not hashed twice with --verify", async () => {
    const registry = new RegistryBuilder();
    const app = registry.repository("team/app");
    const [sound, broken] = [app.push("a layer"), app.push("a broken layer")];
    const wrong = app.image({ layers: [wrongSizeOf(sound), broken], tag: "1" });
    registry.tree.write(blobFile(broken.digest), "a brok");
    const { findings, hashed } = await judged(registry.tree, true);
    expect(findings.toSorted()).toEqual([
      `error blob-corrupt ${broken.digest}`,
      `error blob-size-mismatch ${broken.digest}`,
      `warning manifest-size-wrong ${wrong.digest}`,
    ]);
    // Two layers and a config.
    expect(hashed).toBe(3);
  });

  test.each([undefined, 0, -1])("says nothing where the manifest says %s", async (size) => {
    const registry = new RegistryBuilder();
    const app = registry.repository("team/app");
    const layer = app.push("a layer");
    app.image({ layers: [{ mediaType: TYPES.layer, digest: layer.digest, size } as Descriptor], tag: "1" });
    expect(await judged(registry.tree)).toEqual({ findings: [], hashed: 0 });
  });

  test("is not hashed where that is too much: then the finding asks for --verify before anything is deleted", async () => {
    const registry = new RegistryBuilder();
    const layer = registry.repository("team/app").push("a layer");
    registry.repository("team/app").image({ layers: [layer], tag: "1" });
    const directory = written(registry.tree);
    fs.truncateSync(path.join(directory, blobFile(layer.digest)), 1024 ** 3 + 1);
    const { findings, hashed } = await judgedIn(directory);
    expect({ findings, hashed }).toEqual({ findings: [`error blob-size-mismatch ${layer.digest}`], hashed: 0 });
  });
});

/** A size of which no manifest says anything, or one that agrees with what is stored. */
describe("what a size alone proves", () => {
  const withSize = ({ mediaType, digest }: Descriptor, size?: number): Descriptor =>
    ({ mediaType, digest, ...(size === undefined ? {} : { size }) }) as Descriptor;

  test.each([
    ["no size", undefined],
    ["size 0", 0],
  ])("a blob without content is broken, where its manifest declares %s", async (_, size) => {
    const registry = new RegistryBuilder();
    const app = registry.repository("team/app");
    const layer = app.push("a layer");
    const config = app.push("{ }");
    app.image({ layers: [withSize(layer, size)], config: withSize(config, size), tag: "1" });
    for (const { digest } of [layer, config]) registry.tree.write(blobFile(digest), "");
    const { findings, hashed } = await judged(registry.tree);
    expect(findings.toSorted()).toEqual([layer, config].map(({ digest }) => `error blob-corrupt ${digest}`).toSorted());
    expect(hashed).toBe(0);
  });

  test("of a layer that nothing needs too: a push of it would be skipped", async () => {
    const registry = new RegistryBuilder();
    const app = registry.repository("team/app");
    app.image({ layers: ["a layer"], tag: "1" });
    const { digest } = registry.blob("nobody's");
    registry.tree.write(blobFile(digest), "");
    expect((await judged(registry.tree)).findings).toContain(`error blob-corrupt ${digest}`);
  });

  test.each(["", "{}"])("the digest of %j has one size", async (content) => {
    const registry = new RegistryBuilder();
    const app = registry.repository("team/app");
    const layer = app.push(content);
    app.image({ layers: [withSize(layer)], config: app.push("a config"), tag: "1" });
    expect((await judged(registry.tree)).findings).toEqual([]);
    registry.tree.write(blobFile(layer.digest), "and more");
    expect((await judged(registry.tree)).findings).toEqual([`error blob-corrupt ${layer.digest}`]);
  });

  test("is said once, with --verify and with a size that differs", async () => {
    const registry = new RegistryBuilder();
    const app = registry.repository("team/app");
    const [sized, unsized] = [app.push("a layer"), app.push("another")];
    app.image({ layers: [sized, withSize(unsized)], tag: "1" });
    for (const { digest } of [sized, unsized]) registry.tree.write(blobFile(digest), "");
    expect((await judged(registry.tree)).findings.toSorted()).toEqual(
      [`error blob-corrupt ${unsized.digest}`, `error blob-size-mismatch ${sized.digest}`].toSorted(),
    );
    const { findings } = await judged(registry.tree, true);
    expect(findings.filter((one) => one.startsWith("error blob-corrupt"))).toHaveLength(2);
  });
});
