import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import zlib from "node:zlib";
import { parquetWriteBuffer } from "hyparquet-writer";
import type { RegistryTree } from "./registry-tree.js";

import { etagOf } from "./s3-server/store.js";
import type { EtagKind } from "./s3-server/store.js";

/** An object as an inventory has it. */
export interface InventoryEntry {
  readonly key: string;
  readonly size: number;
  /** Seconds since 1970. */
  readonly modified: number;
  readonly etag: string;
  readonly versionId?: string;
  readonly isLatest?: boolean;
  readonly isDeleteMarker?: boolean;
  readonly storageClass?: string;
  readonly accessTier?: string;
}

/** How an inventory is written. */
export interface InventoryShape {
  readonly format?: "Parquet" | "CSV" | "ORC";
  readonly codec?: "SNAPPY" | "GZIP" | "UNCOMPRESSED";
  /** Among how many files the rows are dealt out. */
  readonly files?: number;
  /** With the columns of an inventory of all versions. */
  readonly versions?: boolean;
  /** With the columns that tell what is in an archive. */
  readonly archives?: boolean;
  readonly sourceBucket?: string;
  /** Milliseconds since 1970. */
  readonly created?: number;
  /** The manifest's folder. */
  readonly folder?: string;
  /** Rows of a Parquet file's row group. */
  readonly rowGroupSize?: number;
}

/** The objects that a tree is stored as. */
export function entriesOf(tree: RegistryTree, etag: EtagKind = "md5", root = ""): InventoryEntry[] {
  return Array.from(tree.files, ([file, { content, modified }]) => ({
    key: `${root}${file}`,
    size: content.length,
    modified,
    etag: etagOf(content, etag),
  }));
}

const PREFIX = "inventories/b/weekly";

/** The files of an inventory by their keys, the manifest's last two; `folder` has them all. */
export function inventoryFiles(entries: readonly InventoryEntry[], shape: InventoryShape = {}): Map<string, Buffer> {
  const { format = "Parquet", files = 1, versions = false, archives = false, folder = "2026-11-26T01-00Z" } = shape;
  const columns = [
    "Bucket",
    "Key",
    ...(versions ? ["VersionId", "IsLatest", "IsDeleteMarker"] : []),
    "Size",
    "LastModifiedDate",
    "ETag",
    ...(archives ? ["StorageClass", "IntelligentTieringAccessTier"] : []),
  ];
  const written = new Map<string, Buffer>();
  const listed = Array.from({ length: files }, (_, number) => {
    // No order, as in S3's own: rows are dealt out, and each file's are turned around.
    const rows = entries.filter((__, i) => i % files === number).toReversed();
    const content = format === "CSV" ? toCsv(rows, shape) : toParquet(rows, shape);
    const key = `${PREFIX}/data/part-${number}.${format === "CSV" ? "csv.gz" : format.toLowerCase()}`;
    written.set(key, content);
    return { key, size: content.length, MD5checksum: crypto.hash("md5", content, "hex") };
  });
  const manifest = JSON.stringify({
    sourceBucket: shape.sourceBucket ?? "b",
    destinationBucket: "arn:aws:s3:::inv",
    version: "2016-11-30",
    creationTimestamp: String(shape.created ?? Date.parse("2026-11-26T01:00:00Z")),
    fileFormat: format,
    fileSchema: format === "CSV" ? columns.join(", ") : "message s3.inventory { … }",
    files: listed,
  });
  written.set(`${PREFIX}/${folder}/manifest.json`, Buffer.from(manifest));
  written.set(`${PREFIX}/${folder}/manifest.checksum`, Buffer.from(`${crypto.hash("md5", manifest, "hex")}\n`));
  return written;
}

/** Writes an inventory into a directory as `aws s3 sync` would; returns the folder of its configuration. */
export function writeInventory(directory: string, files: ReadonlyMap<string, Buffer>): string {
  for (const [key, content] of files) {
    const file = path.join(directory, key);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, content);
  }
  return path.join(directory, PREFIX);
}

function toCsv(rows: readonly InventoryEntry[], { versions = false, archives = false }: InventoryShape): Buffer {
  const lines = rows.map((row) => {
    const { key, size, modified, etag, versionId = "", isLatest = true, isDeleteMarker = false } = row;
    return [
      "b",
      encodeURIComponent(key).replaceAll("%2F", "/").replaceAll("%20", "+"),
      ...(versions ? [versionId, isLatest, isDeleteMarker] : []),
      isDeleteMarker ? "" : size,
      new Date(modified * 1000).toISOString(),
      etag,
      ...(archives ? [row.storageClass ?? "STANDARD", row.accessTier ?? ""] : []),
    ]
      .map((value) => `"${String(value)}"`)
      .join(",");
  });
  return zlib.gzipSync(lines.map((line) => `${line}\n`).join(""));
}

function toParquet(
  rows: readonly InventoryEntry[],
  { versions = false, archives = false, codec = "SNAPPY", rowGroupSize = 50 }: InventoryShape,
): Buffer {
  const column = (name: string, type: "STRING" | "INT64" | "BOOLEAN" | "TIMESTAMP", data: unknown[], nullable = false) => ({
    name,
    type,
    data,
    nullable,
  });
  const versionColumns = [
    column(
      "version_id",
      "STRING",
      rows.map(({ versionId }) => versionId ?? null),
      true,
    ),
    column(
      "is_latest",
      "BOOLEAN",
      rows.map(({ isLatest }) => isLatest ?? null),
      true,
    ),
    column(
      "is_delete_marker",
      "BOOLEAN",
      rows.map(({ isDeleteMarker }) => isDeleteMarker ?? null),
      true,
    ),
  ];
  const archiveColumns = [
    column(
      "storage_class",
      "STRING",
      rows.map(({ storageClass = "STANDARD" }) => storageClass),
      true,
    ),
    column(
      "intelligent_tiering_access_tier",
      "STRING",
      rows.map(({ accessTier }) => accessTier ?? null),
      true,
    ),
  ];
  const buffer = parquetWriteBuffer({
    codec,
    compressors: { GZIP: (bytes) => zlib.gzipSync(bytes) },
    rowGroupSize,
    columnData: [
      column(
        "bucket",
        "STRING",
        rows.map(() => "b"),
      ),
      column(
        "key",
        "STRING",
        rows.map(({ key }) => key),
      ),
      ...(versions ? versionColumns : []),
      column(
        "size",
        "INT64",
        rows.map(({ size, isDeleteMarker }) => (isDeleteMarker === true ? null : BigInt(size))),
        true,
      ),
      column(
        "last_modified_date",
        "TIMESTAMP",
        rows.map(({ modified }) => new Date(modified * 1000)),
        true,
      ),
      column(
        "e_tag",
        "STRING",
        rows.map(({ etag, isDeleteMarker }) => (isDeleteMarker === true ? null : etag)),
        true,
      ),
      ...(archives ? archiveColumns : []),
    ],
  });
  return Buffer.from(buffer);
}
