import { describe, expect, test } from "vitest";
import { check } from "#regcheck/check.js";
import type { BlobOwner } from "#regcheck/storage/listing.js";
import { FilesystemStorage } from "#regcheck/storage/filesystem/filesystem.js";
import { NO_BLOBS } from "#regcheck/storage/listing.js";
import { severityOf } from "#regcheck/report/catalogue.js";
import { blobFile, RegistryBuilder } from "../support/builder.js";
import { LONG_AGO } from "../support/registry-tree.js";
import { written } from "../support/temporary.js";

const ROOT = 0;
const REGISTRY = 1000;

/** One image, and a blob of nobody's. What is said of blobs that belong as `ownersOf` says: their paths. */
async function reported(ownersOf: (layer: string, garbage: string) => readonly Partial<BlobOwner>[]): Promise<string[]> {
  const builder = new RegistryBuilder();
  const app = builder.repository("app");
  const layer = app.push("a layer");
  app.image({ layers: [layer], tag: "1" });
  const garbage = blobFile(builder.blob("nobody's").digest);
  const owners = ownersOf(blobFile(layer.digest), garbage).map((owner): BlobOwner => ({
    user: REGISTRY,
    count: 1,
    closedToOwner: [],
    closedToOthers: [],
    ...owner,
  }));
  const storage = FilesystemStorage.open(written(builder.tree), { concurrency: 1 });
  const blobs = storage.blobs.bind(storage);
  storage.blobs = async function* listed() {
    for await (const batch of blobs()) yield { ...batch, owners: [] };
    for (const owner of owners)
      yield {
        ...NO_BLOBS,
        owners: [owner],
      };
  };
  try {
    const policy = { deleteUntagged: false, dropDanglingTags: false, grace: 0, now: LONG_AGO, pins: [] };
    const report = await check(storage, { policy });
    const found = [...report.findings(["blob-unreadable"])];
    expect(found.map(severityOf)).toEqual(found.map(() => "error"));
    return found.map(({ path }) => path);
  } finally {
    await storage.close();
  }
}

describe("a blob that the registry may not read", () => {
  test.each<[string, Partial<BlobOwner>, Partial<BlobOwner>, boolean]>([
    ["root's, where most are another's", { user: ROOT }, { count: 3 }, true],
    ["root's, where most are root's", { user: ROOT, count: 2 }, { count: 1 }, false],
    ["root's, where half are another's", { user: ROOT, count: 2 }, { count: 2 }, false],
    ["a stranger's, where most are root's", { user: 77 }, { user: ROOT, count: 3 }, false],
  ])("%s", async (_, odd, most, isReported) => {
    const found = await reported((layer, garbage) => [{ ...odd, closedToOthers: [layer, garbage] }, most]);
    expect(found).toHaveLength(isReported ? 1 : 0);
  });

  test("its own, whose mode keeps it out", async () => {
    expect(await reported((layer) => [{ count: 4, closedToOwner: [layer], closedToOthers: [layer] }])).toHaveLength(1);
    expect(await reported((layer) => [{ count: 4, closedToOthers: [layer] }])).toEqual([]);
  });
});
