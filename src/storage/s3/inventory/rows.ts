import { isArchiveClass } from "../archive.js";

/** Some rows of an inventory: parallel arrays. Text is bytes, as it lies in the file: most of it is never needed as a string. */
export interface InventoryRows {
  readonly keys: readonly Uint8Array[];
  /** Bytes. */
  readonly sizes: readonly number[];
  /** Without quotes. */
  readonly etags: readonly Uint8Array[];
  /** Seconds since 1970. */
  readonly modified: readonly number[];
  /** Whether they are in an archive; empty where the inventory does not tell. */
  readonly archived: readonly boolean[];
}

/** Rows that are being read. */
export function emptyRows() {
  return {
    keys: [] as Uint8Array[],
    sizes: [] as number[],
    modified: [] as number[],
    etags: [] as Uint8Array[],
    archived: [] as boolean[],
  };
}

/** What every inventory must have, besides the keys themselves. */
export const COLUMNS = {
  key: "Key",
  size: "Size",
  modified: "LastModifiedDate",
  etag: "ETag",
} as const;

/** The optional columns of an inventory of all versions. */
export const VERSION_COLUMNS = { version: "VersionId", isLatest: "IsLatest", isDeleteMarker: "IsDeleteMarker" } as const;

/** Columns that tell what cannot be read at once. */
const ARCHIVE_COLUMNS = { storageClass: "StorageClass", accessTier: "IntelligentTieringAccessTier" } as const;

/** Tiers of S3 Intelligent-Tiering that are not read from at once, as inventories and as configurations name them. */
const ARCHIVE_TIERS: ReadonlySet<string> = new Set(["ARCHIVE", "DEEP_ARCHIVE", "ARCHIVE_ACCESS", "DEEP_ARCHIVE_ACCESS"]);

/** Whether an object is in an archive, by its row. Of a copy that was restored for a time, no inventory tells. */
export function isArchived(storageClass: string, accessTier: string): boolean {
  return isArchiveClass(storageClass) || ARCHIVE_TIERS.has(accessTier);
}

/** Columns by one spelling: Parquet files have `last_modified_date`, manifests `LastModifiedDate`. */
export function canonical(column: string): string {
  return column.replaceAll("_", "").toLowerCase();
}

/** Finds columns by name, whatever their spelling. Throws an `Error` that names what an inventory must be configured to have. */
export function findColumns(names: readonly string[]) {
  const find = (wanted: string): string | undefined => names.find((name) => canonical(name) === canonical(wanted));
  const need = (wanted: string): string => {
    const name = find(wanted);
    if (name === undefined)
      throw new Error(`it has no column ${wanted}: configure the inventory with Size, LastModifiedDate and ETag`);
    return name;
  };
  const isLatest = find(VERSION_COLUMNS.isLatest);
  if (isLatest === undefined && find(VERSION_COLUMNS.version) !== undefined)
    throw new Error("it has all versions, but no column IsLatest: which of them are there now, nobody can tell");
  return {
    key: need(COLUMNS.key),
    size: need(COLUMNS.size),
    modified: need(COLUMNS.modified),
    etag: need(COLUMNS.etag),
    isLatest,
    isDeleteMarker: find(VERSION_COLUMNS.isDeleteMarker),
    storageClass: find(ARCHIVE_COLUMNS.storageClass),
    accessTier: find(ARCHIVE_COLUMNS.accessTier),
  };
}
