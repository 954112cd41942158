import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import zlib from "node:zlib";
import { fileWriter, ParquetWriter } from "hyparquet-writer";
import { BlobTable } from "#regcheck/mark/blob-table.js";
import { BucketReader } from "#regcheck/storage/s3/bucket-reader.js";
import { Inventory } from "#regcheck/storage/s3/inventory/inventory.js";
import { DirectorySource } from "#regcheck/storage/s3/inventory/source.js";
import { LinkReader } from "#regcheck/storage/s3/links.js";
import { parseS3Url } from "#regcheck/storage/s3/options.js";
import { machine } from "./measure.js";

/**
 * `npm run bench:inventory [ROWS] [DIRECTORY]`: how fast an inventory becomes a listing, and its blobs a table, in Parquet and in CSV, by default
 * of 5 million rows. They are those of repositories of 1,000 images each, in no order, 3 rows in 10 are blobs. No bucket is asked: every link is
 * proven by its ETag.
 */
const ROWS = Number(process.argv[2] ?? 5_000_000);
const DIRECTORY = process.argv[3] ?? "/dev/shm/regcheck-inventory";
const ROWS_PER_FILE = 1_000_000;
const ROWS_PER_GROUP = 250_000;
const V2 = "docker/registry/v2";

interface BenchRow {
  readonly key: string;
  readonly size: number;
  readonly etag: string;
}

/** Ten rows an image: three blobs, four layer links, a revision, and a tag with its history. */
function rowOf(number: number): BenchRow {
  const image = Math.floor(number / 10);
  const kind = number % 10;
  const repository = `${V2}/repositories/team${image % 97}/app${Math.floor(image / 1000)}`;
  const hexOf = (what: string): string => crypto.hash("md5", what, "hex").repeat(2);
  const link = (directory: string, hex: string): BenchRow => ({
    key: `${repository}/${directory}/link`,
    size: 71,
    etag: crypto.hash("md5", `sha256:${hex}`, "hex"),
  });
  if (kind < 3) {
    const hex = hexOf(`blob ${image} ${kind}`);
    return { key: `${V2}/blobs/sha256/${hex.slice(0, 2)}/${hex}/data`, size: 1000 + image, etag: hex.slice(0, 32) };
  }
  const manifest = hexOf(`blob ${image} 0`);
  if (kind === 7) return link(`_manifests/revisions/sha256/${manifest}`, manifest);
  if (kind === 8) return link(`_manifests/tags/v${image}/current`, manifest);
  if (kind === 9) return link(`_manifests/tags/v${image}/index/sha256/${manifest}`, manifest);
  const layer = hexOf(`layer ${image} ${kind}`);
  return link(`_layers/sha256/${layer}`, layer);
}

/** All rows, each once, far from those that belong with it. */
function* rowsInNoOrder(first: number, count: number): Generator<BenchRow> {
  for (let i = first; i < first + count; i++) yield rowOf((i * 1_000_003) % ROWS);
}

function writeParquet(file: string, first: number, count: number): void {
  const optional = { repetition_type: "OPTIONAL" as const };
  const text = { type: "BYTE_ARRAY" as const, converted_type: "UTF8" as const };
  const writer = new ParquetWriter({
    writer: fileWriter(file),
    schema: [
      { name: "s3_inventory", num_children: 5 },
      { name: "bucket", ...text, repetition_type: "REQUIRED" },
      { name: "key", ...text, repetition_type: "REQUIRED" },
      { name: "size", type: "INT64", ...optional },
      { name: "last_modified_date", type: "INT64", converted_type: "TIMESTAMP_MILLIS", ...optional },
      { name: "e_tag", ...text, ...optional },
    ],
  });
  for (let at = first; at < first + count; at += ROWS_PER_GROUP) {
    const rows = [...rowsInNoOrder(at, Math.min(ROWS_PER_GROUP, first + count - at))];
    const plain = { encoding: "PLAIN" as const };
    void writer.write({
      rowGroupSize: ROWS_PER_GROUP,
      columnData: [
        { name: "bucket", data: rows.map(() => "b") },
        { name: "key", data: rows.map(({ key }) => key), ...plain },
        { name: "size", data: rows.map(({ size }) => BigInt(size)), ...plain },
        { name: "last_modified_date", data: rows.map(() => new Date(1_700_000_000_000)), ...plain },
        { name: "e_tag", data: rows.map(({ etag }) => etag), ...plain },
      ],
    });
  }
  void writer.finish();
}

function writeCsv(file: string, first: number, count: number): void {
  const lines: string[] = [];
  for (const { key, size, etag } of rowsInNoOrder(first, count))
    lines.push(`"b","${key}","${size}","2023-11-14T22:13:20.000Z","${etag}"\n`);
  fs.writeFileSync(file, zlib.gzipSync(lines.join(""), { level: 1 }));
}

function write(format: "Parquet" | "CSV"): string {
  const directory = path.join(DIRECTORY, `${format}-${ROWS}`);
  const manifest = path.join(directory, "2026-11-26T01-00Z/manifest.json");
  if (fs.existsSync(manifest)) return manifest;
  for (const folder of ["data", "2026-11-26T01-00Z"]) fs.mkdirSync(path.join(directory, folder), { recursive: true });
  const files = [];
  for (let first = 0; first < ROWS; first += ROWS_PER_FILE) {
    const key = `data/part-${first}`;
    (format === "CSV" ? writeCsv : writeParquet)(path.join(directory, key), first, Math.min(ROWS_PER_FILE, ROWS - first));
    const content = fs.readFileSync(path.join(directory, key));
    files.push({ key, size: content.length, MD5checksum: crypto.hash("md5", content, "hex") });
  }
  const about = { sourceBucket: "b", fileFormat: format, fileSchema: "Bucket, Key, Size, LastModifiedDate, ETag" };
  fs.writeFileSync(manifest, JSON.stringify({ ...about, creationTimestamp: "1795654800000", files }));
  return manifest;
}

async function read(format: "Parquet" | "CSV", manifest: string): Promise<void> {
  const started = process.cpuUsage();
  const began = Date.now();
  const inventory = new Inventory(new DirectorySource(manifest), { bucket: "b", root: "" });
  await inventory.open();
  await inventory.read();
  const builder = BlobTable.builder();
  for (const batch of inventory.blobs()) builder.add(batch);
  const { table } = builder.build();
  const bucket = new BucketReader({
    ...parseS3Url("s3://b"),
    region: "us-east-1",
    credentials: { accessKeyId: "a", secretAccessKey: "b" },
  });
  let links = 0;
  let tags = 0;
  for await (const listing of inventory.repositories(new LinkReader(bucket, false))) {
    links += (listing.layers.digests.length + listing.revisions.digests.length) / 8;
    tags += listing.tags.names.length;
  }
  inventory.close();
  const { user, system } = process.cpuUsage(started);
  const seconds = (user + system) / 1e6;
  const found = `${table.count} blobs, ${links} links, ${tags} tags`;
  const peak = `${Math.round(process.resourceUsage().maxRSS / 1024)} MiB`;
  console.log(
    `${format}: ${ROWS} rows (${found}): ${seconds.toFixed(1)} s of processor time, ${((Date.now() - began) / 1000).toFixed(1)} s in all, ${Math.round(ROWS / seconds)} rows a second, peak ${peak}`,
  );
}

const format = process.argv[4];
if (format === "Parquet" || format === "CSV") await read(format, write(format));
else {
  console.log(machine());
  const { spawnSync } = await import("node:child_process");
  for (const one of ["Parquet", "CSV"] as const) {
    write(one);
    // Each in a process of its own: the peak is of one.
    spawnSync(process.execPath, [process.argv[1] ?? "", String(ROWS), DIRECTORY, one], { stdio: "inherit" });
  }
}
