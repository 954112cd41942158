import fs from "node:fs";
import zlib from "node:zlib";
import { parquetMetadataAsync, parquetScan } from "hyparquet";
import type { AsyncBuffer, Compressors } from "hyparquet";
import { storedSeconds } from "../dates.js";
import { emptyRows, findColumns, isArchived } from "./rows.js";
import type { InventoryRows } from "./rows.js";

const NOTHING = new Uint8Array();

/** The rows of a Parquet file, a row group at a time: current versions that are no delete markers. Throws an `Error` that says what is wrong. */
export async function* parquetRows(file: string): AsyncGenerator<InventoryRows> {
  const descriptor = fs.openSync(file, "r");
  try {
    const buffer = bufferOf(descriptor);
    const metadata = await parquetMetadataAsync(buffer);
    const names = metadata.schema.slice(1).map(({ name }) => name);
    const columns = findColumns(names);
    const wanted = Object.values(columns).filter((name) => name !== undefined);
    const scan = await parquetScan({
      file: buffer,
      metadata,
      columns: wanted,
      parsers: PARSERS,
      compressors: compressors(),
      useOffsetIndex: false,
    });
    let rows = 0;
    for (const { rowStart, rowEnd } of scan.ranges) {
      const read = async (column: string): Promise<readonly unknown[]> =>
        Array.from<unknown>(await scan.readColumn({ column, rowStart, rowEnd }));
      const [keys, sizes, modified, etags] = await Promise.all(
        [columns.key, columns.size, columns.modified, columns.etag].map(read),
      );
      const readIfThere = async (column: string | undefined) => (column === undefined ? undefined : read(column));
      const group = {
        keys: keys ?? [],
        sizes: sizes ?? [],
        modified: modified ?? [],
        etags: etags ?? [],
        isLatest: await readIfThere(columns.isLatest),
        isDeleteMarker: await readIfThere(columns.isDeleteMarker),
        classes: await readIfThere(columns.storageClass),
        tiers: await readIfThere(columns.accessTier),
      };
      if (group.keys.length !== rowEnd - rowStart) throw new Error("a row group has not the rows that its footer says");
      rows += group.keys.length;
      yield currentRows(group);
    }
    if (rows !== Number(metadata.num_rows))
      throw new Error(`it has ${rows} rows instead of the ${metadata.num_rows} that its footer says`);
  } finally {
    fs.closeSync(descriptor);
  }
}

interface Group {
  readonly keys: readonly unknown[];
  readonly sizes: readonly unknown[];
  readonly modified: readonly unknown[];
  readonly etags: readonly unknown[];
  readonly isLatest: readonly unknown[] | undefined;
  readonly isDeleteMarker: readonly unknown[] | undefined;
  readonly classes: readonly unknown[] | undefined;
  readonly tiers: readonly unknown[] | undefined;
}

function currentRows({ keys, sizes, modified, etags, isLatest, isDeleteMarker, classes, tiers }: Group): InventoryRows {
  const rows = emptyRows();
  const tellsArchive = classes !== undefined || tiers !== undefined;
  const [classOf, tierOf] = [textReader(), textReader()];
  for (const [i, key] of keys.entries()) {
    if (isLatest?.[i] === false || isDeleteMarker?.[i] === true) continue;
    const size = Number(sizes[i] ?? Number.NaN);
    const time = modified[i];
    const etag = etags[i] ?? NOTHING;
    if (!(key instanceof Uint8Array) || !(etag instanceof Uint8Array) || typeof time !== "number" || !(size >= 0))
      throw new Error("a row has no key, size or date");
    rows.keys.push(key);
    rows.sizes.push(size);
    rows.modified.push(time);
    rows.etags.push(etag);
    if (tellsArchive) rows.archived.push(isArchived(classOf(classes?.[i]), tierOf(tiers?.[i])));
  }
  return rows;
}

/** Reads a column of few values as text: the same bytes come again and again, and the last are remembered. "" for what is no text. */
function textReader(): (value: unknown) => string {
  let lastValue: unknown;
  let lastText = "";
  return (value) => {
    if (value === lastValue) return lastText;
    lastValue = value;
    return (lastText = value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : "");
  };
}

/** Text stays bytes, and times become seconds. */
const PARSERS = {
  stringFromBytes: (bytes: Uint8Array) => bytes,
  timestampFromMilliseconds: (value: bigint) => storedSeconds(Number(value)),
  timestampFromMicroseconds: (value: bigint) => storedSeconds(Number(value) / 1e3),
  timestampFromNanoseconds: (value: bigint) => storedSeconds(Number(value) / 1e6),
};

function compressors(): Compressors {
  const zstd: unknown = Reflect.get(zlib, "zstdDecompressSync");
  const gunzip = (input: Uint8Array): Uint8Array => zlib.gunzipSync(input);
  if (typeof zstd !== "function") return { GZIP: gunzip };
  return {
    GZIP: gunzip,
    ZSTD: (input) => {
      const output: unknown = Reflect.apply(zstd, zlib, [input]);
      if (output instanceof Uint8Array) return output;
      throw new TypeError("zlib.zstdDecompressSync gave no bytes");
    },
  };
}

function bufferOf(descriptor: number): AsyncBuffer {
  const byteLength = fs.fstatSync(descriptor).size;
  return {
    byteLength,
    slice(start, end = byteLength) {
      const bytes = new Uint8Array(Math.max(0, Math.min(end, byteLength) - start));
      const read = fs.readSync(descriptor, bytes, 0, bytes.length, start);
      if (read !== bytes.length) throw new Error("it ends before its time");
      return bytes.buffer;
    },
  };
}
