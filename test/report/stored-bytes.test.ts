import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { check } from "#regcheck/check.js";
import { allBytes } from "#regcheck/report/stored-bytes.js";
import { FilesystemStorage } from "#regcheck/storage/filesystem/filesystem.js";
import type { Storage } from "#regcheck/storage/storage.js";
import { arbitraryRegistry, describeTree, GRACE, isPushedTo, NOW } from "../support/arbitrary-registry.js";
import { RegistryBuilder, V2 } from "../support/builder.js";
import { buildFixture } from "../support/fixture.js";
import { generate } from "../support/generate.js";
import { RegistryTree } from "../support/registry-tree.js";
import { brokenRegistry } from "../support/repairing.js";
import { bucketOf } from "../support/s3-bucket.js";
import { garbageRegistry, sweepDirectory, sweepOptions } from "../support/sweeping.js";
import { temporaryDirectory, written } from "../support/temporary.js";

const POLICY = { deleteUntagged: false, dropDanglingTags: false, grace: GRACE, now: NOW, pins: [] };

/** What lies in a tree, file by file: `du --apparent-size` without the directories, or the bucket's listing. */
function bytesOf({ files }: RegistryTree): number {
  return [...files.values()].reduce((sum, { content }) => sum + content.length, 0);
}

async function countedIn(storage: Storage): Promise<number> {
  try {
    return allBytes((await check(storage, { policy: POLICY })).stored);
  } finally {
    await storage.close();
  }
}

async function swept(): Promise<RegistryTree> {
  const directory = written(garbageRegistry(3));
  await sweepDirectory(directory, sweepOptions(temporaryDirectory(), { quarantine: true }));
  return RegistryTree.readFrom(directory);
}

function generated(): RegistryTree {
  const tree = new RegistryTree();
  const options = { repositories: 3, images: 20, layers: 2, baseLayers: 3, multiArch: 0.2, untagged: 0.1, moved: 0.3 };
  for (const { path, content } of generate({ ...options, abandoned: 0.1, damaged: 0.4, layerBytes: 300 }))
    tree.write(path, Buffer.from(content));
  return tree;
}

/**
 * As much as possible of what is neither a blob nor a link. Not: what lies beside the registry, and what the history of a tag that was never
 * moved holds besides, for which a filesystem would be asked twice for each tag.
 */
function cluttered(): RegistryTree {
  const builder = new RegistryBuilder();
  const app = builder.repository("team/app");
  app.image({ layers: ["a layer"], config: "a config", tag: "1" });
  for (const age of ["2023-01-01T00:00:00Z", new Date(NOW * 1000).toISOString()]) {
    app.upload(`upload-of-${age.slice(0, 4)}`, age, "x".repeat(900));
    builder.tree.write(`${app.path}/_uploads/upload-of-${age.slice(0, 4)}/hashstates/sha256/12`, "y".repeat(200));
  }
  for (const place of [`${V2}/blobs/`, `${V2}/repositories/`, `${app.path}/`, `${app.path}/_layers/sha256/`])
    builder.tree.write(`${place}notes.txt`, "z".repeat(300));
  for (const place of ["_manifests/tags", "_manifests/tags/1", "_manifests/revisions", "_uploads"])
    builder.tree.write(`${app.path}/${place}/notes.txt`, "z".repeat(300));
  builder.tree.write(`${V2}/blobs/sha256/ab/notes`, "z".repeat(300));
  builder.tree.write("regcheck/quarantine/20260101T000000000Z-abcdef/docker/x", "q".repeat(700));
  return builder.tree;
}

describe("the sum of what is counted is within 1 % of what all files come to", () => {
  test.each<[string, () => RegistryTree | Promise<RegistryTree>]>([
    ["the fixture", buildFixture],
    ["a generated registry, damaged", generated],
    ["garbage of every kind", () => garbageRegistry(3)],
    ["broken links", () => brokenRegistry(3)],
    ["a quarantine", swept],
    ["uploads, strays and a quarantine", cluttered],
  ])("%s, on a filesystem and on S3", async (_, make) => {
    const tree = await make();
    const bytes = bytesOf(tree);
    const { storage } = await bucketOf(tree);
    const counted = {
      filesystem: await countedIn(FilesystemStorage.open(written(tree), { concurrency: 1 })),
      s3: await countedIn(storage),
    };
    expect(Math.abs(counted.filesystem - bytes) / bytes, `${counted.filesystem} of ${bytes}`).toBeLessThan(0.01);
    expect(Math.abs(counted.s3 - bytes) / bytes, `${counted.s3} of ${bytes} on S3`).toBeLessThan(0.01);
  });

  test("random ones, with damage of every kind", async () => {
    await fc.assert(
      fc.asyncProperty(
        arbitraryRegistry.filter(({ tree }) => isPushedTo(tree)),
        async ({ tree }) => {
          const counted = await countedIn(FilesystemStorage.open(written(tree), { concurrency: 1 }));
          const bytes = bytesOf(tree);
          expect(Math.abs(counted - bytes), `${counted} of ${bytes} in\n${describeTree(tree)}`).toBeLessThanOrEqual(bytes / 100);
        },
      ),
      { numRuns: 15 },
    );
  });
});
