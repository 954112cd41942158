import path from "node:path";
import { expect, test } from "vitest";
import { check } from "#regcheck/check.js";
import { openInventory } from "#regcheck/storage/s3/inventory/open.js";
import { blobFile, RegistryBuilder } from "../../../support/builder.js";
import { entriesOf, inventoryFiles, writeInventory } from "../../../support/inventory.js";
import type { RegistryTree } from "../../../support/registry-tree.js";
import { optionsFor, startedServer, store } from "../../../support/s3-bucket.js";
import { temporaryDirectory } from "../../../support/temporary.js";

const POLICY = { deleteUntagged: false, dropDanglingTags: false, grace: 0, now: Math.floor(Date.now() / 1000), pins: [] };

/** The report, with `--verify`, of a bucket from which these have gone since the inventory. */
async function verified(tree: RegistryTree, gone: readonly string[]) {
  const folder = writeInventory(temporaryDirectory(), inventoryFiles(entriesOf(tree), {}));
  for (const file of gone) tree.remove(file);
  const server = await startedServer();
  store(server, tree);
  const named = path.join(folder, "2026-11-26T01-00Z/manifest.json");
  const storage = await openInventory(optionsFor(server), named, 72 * 3600, new AbortController().signal);
  return check(storage, { policy: POLICY, verify: { part: 1, parts: 1 } }).finally(() => void storage.close());
}

test("a blob that was deleted since the inventory is not verified, and no fault", async () => {
  const builder = new RegistryBuilder();
  builder.repository("app").image({ layers: ["a layer"], tag: "1" });
  const garbage = builder.blob("nobody's");
  const blobs = [...builder.tree.files.keys()].filter((file) => file.includes("/blobs/")).length;
  const report = await verified(builder.tree, [blobFile(garbage.digest)]);
  expect(report.complete).toBe(true);
  expect([...report.findings(["storage-unreadable"])]).toEqual([]);
  expect(report.verified?.blobs).toBe(blobs - 1);
});

test("of one that is gone nobody says that it is sound, and that a manifest says a wrong size of it", async () => {
  const builder = new RegistryBuilder();
  const app = builder.repository("app");
  const layer = app.push("a layer");
  app.image({ layers: [{ ...layer, size: layer.size + 1 }], tag: "1" });
  const report = await verified(builder.tree, [blobFile(layer.digest)]);
  expect(report.complete).toBe(true);
  expect([...report.findings(["blob-size-mismatch"])]).toMatchObject([{ cause: { kind: "size", blob: "not-hashed" } }]);
});

test("one that is not to be read is a fault as before", async () => {
  const builder = new RegistryBuilder();
  builder.repository("app").image({ layers: ["a layer"], tag: "1" });
  const folder = writeInventory(temporaryDirectory(), inventoryFiles(entriesOf(builder.tree), {}));
  const server = await startedServer();
  store(server, builder.tree);
  server.inject({
    operation: "GetObject",
    key: /blobs/,
    times: Infinity,
    effect: { kind: "error", status: 403, code: "AccessDenied" },
  });
  const named = path.join(folder, "2026-11-26T01-00Z/manifest.json");
  const storage = await openInventory(optionsFor(server), named, 72 * 3600, new AbortController().signal);
  const report = await check(storage, { policy: POLICY, verify: { part: 1, parts: 1 } }).finally(() => void storage.close());
  expect(report.complete).toBe(false);
});
