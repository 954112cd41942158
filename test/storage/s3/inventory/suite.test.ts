import path from "node:path";
import { describe } from "vitest";
import { openInventory } from "#regcheck/storage/s3/inventory/open.js";
import type { Storage } from "#regcheck/storage/storage.js";
import { entriesOf, inventoryFiles, writeInventory } from "../../../support/inventory.js";
import type { InventoryEntry, InventoryShape } from "../../../support/inventory.js";
import type { RegistryTree } from "../../../support/registry-tree.js";
import { bucketOf, optionsFor } from "../../../support/s3-bucket.js";
import { temporaryDirectory } from "../../../support/temporary.js";
import { storageSuite } from "../../suite.js";

/** Opens a tree by an inventory of the bucket that has it, without a word on that in the report. */
async function byInventory(
  tree: RegistryTree,
  shape: InventoryShape,
  more: readonly InventoryEntry[] = [],
  etag: "md5" | "kms" = "md5",
): Promise<Storage> {
  const { server, storage } = await bucketOf(tree, {}, etag);
  const has = (directory: string): boolean =>
    [...tree.files.keys()].some((file) => file.startsWith(`docker/registry/v2/${directory}/`));
  // Then its prefix is another one, as far as anybody can tell.
  if (!has("blobs") || !has("repositories")) return storage;
  await storage.close();
  const folder = writeInventory(temporaryDirectory(), inventoryFiles([...entriesOf(tree, etag), ...more], shape));
  const opened = await openInventory(
    optionsFor(server),
    path.join(folder, "2026-11-26T01-00Z/manifest.json"),
    72 * 3600,
    new AbortController().signal,
  );
  const markers = opened.markers.bind(opened);
  opened.markers = async () => ({ ...(await markers()), inventory: undefined });
  return opened;
}

/** What was there before: versions that were replaced, and that were deleted. */
const OLD: readonly InventoryEntry[] = [
  {
    key: "docker/registry/v2/repositories/old/app/_manifests/tags/1/current/link",
    size: 71,
    modified: 1,
    etag: "0".repeat(32),
    versionId: "1",
    isLatest: false,
  },
  {
    key: "docker/registry/v2/repositories/old/app/_manifests/tags/1/current/link",
    size: 0,
    modified: 2,
    etag: "",
    versionId: "2",
    isLatest: true,
    isDeleteMarker: true,
  },
  {
    key: "docker/registry/v2/blobs/sha256/00/gone/data",
    size: 0,
    modified: 2,
    etag: "",
    versionId: "3",
    isLatest: true,
    isDeleteMarker: true,
  },
];

describe("the storage suite, by an inventory in Parquet", () => {
  storageSuite({ open: (tree) => byInventory(tree, {}), keepsTimes: true, runs: 10 });
});

describe("the storage suite, by an inventory in CSV, of all versions", () => {
  storageSuite({
    open: (tree) => byInventory(tree, { format: "CSV", files: 3, versions: true }, OLD),
    keepsTimes: true,
    runs: 5,
  });
});

describe("the storage suite, by an inventory in Parquet of all versions, with ETags that are no MD5", () => {
  const shape = { codec: "GZIP", files: 4, versions: true } as const;
  storageSuite({ open: (tree) => byInventory(tree, shape, OLD, "kms"), keepsTimes: true, runs: 5 });
});
