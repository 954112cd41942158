import { UsageError } from "../../../errors.js";

/** The formats that can be read. */
type Format = "Parquet" | "CSV";

/** One of the files that an inventory consists of. */
export interface InventoryFile {
  /** In the bucket that the inventory is delivered to. */
  readonly key: string;
  /** Bytes; undefined where the manifest does not say. */
  readonly size: number | undefined;
  /** As hex. */
  readonly md5: string;
}

/** What `manifest.json` of an S3 Inventory says (userguide, storage-inventory-location). Ceph's radosgw writes the same. */
export interface InventoryManifest {
  readonly sourceBucket: string;
  readonly format: Format;
  /** The columns of a CSV file, in order. */
  readonly columns: readonly string[];
  readonly files: readonly InventoryFile[];
  /** Seconds since 1970: when the scan began, or (Ceph) ended. */
  readonly created: number;
}

/** Parses a `manifest.json`; `name` is what messages call it. Throws a `UsageError` for what is none, or is of a format that cannot be read. */
export function parseManifest(text: string, name: string): InventoryManifest {
  const refuse = (why: string): never => {
    throw new UsageError(`--inventory ${name}: ${why}`);
  };
  const json = parseObject(text) ?? refuse("it is no JSON object: expected the manifest.json of an S3 Inventory");
  const { sourceBucket, fileFormat, fileSchema, creationTimestamp, files } = json;
  if (typeof sourceBucket !== "string" || !Array.isArray(files))
    return refuse("it has no sourceBucket and files: expected the manifest.json of an S3 Inventory");
  if (fileFormat === "ORC")
    refuse("its files are ORC, which regcheck does not read: configure the inventory as Parquet, or query it with Spark");
  if (fileFormat !== "Parquet" && fileFormat !== "CSV")
    return refuse(`its fileFormat is ${JSON.stringify(fileFormat)}: expected Parquet or CSV`);
  const created = Number(creationTimestamp) / 1000;
  if (!(created > 0)) refuse("it has no creationTimestamp: as of when it is, nobody can tell");
  return {
    sourceBucket,
    format: fileFormat,
    columns: typeof fileSchema === "string" ? fileSchema.split(",").map((column) => column.trim()) : [],
    files: files.map((file) => parseFile(file) ?? refuse("one of its files has no key or no MD5checksum")),
    created,
  };
}

/** Seconds since 1970 by the name of the manifest's folder, `2026-11-26T01-00Z`, or undefined. */
export function folderTime(folder: string): number | undefined {
  const [, date, hour, minute] = /^(\d{4}-\d{2}-\d{2})T(\d{2})-(\d{2})Z$/.exec(folder) ?? [];
  if (date === undefined) return undefined;
  const time = Date.parse(`${date}T${hour ?? ""}:${minute ?? ""}:00Z`) / 1000;
  return Number.isNaN(time) ? undefined : time;
}

function parseFile(value: unknown): InventoryFile | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { key, size, MD5checksum: md5 }: { key?: unknown; size?: unknown; MD5checksum?: unknown } = value;
  if (typeof key !== "string" || typeof md5 !== "string" || !/^[0-9a-f]{32}$/i.test(md5)) return undefined;
  return { key, size: typeof size === "number" ? size : undefined, md5: md5.toLowerCase() };
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
