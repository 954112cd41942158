import fs from "node:fs";
import path from "node:path";
import { fileWriter, ParquetWriter } from "hyparquet-writer";
import { compression } from "./compression.js";
import type { Columns, ColumnType, Row } from "./tables.js";

type SchemaElement = ConstructorParameters<typeof ParquetWriter>[0]["schema"][number];

/** Rows that are written at a time: all that a table holds in memory. */
const ROWS_PER_GROUP = 65_536;
/** Rows after which a file is closed: what its footer says of its groups is held in memory until then. */
const GROUPS_PER_FILE = 64;

/** How values are encoded, for types of which that is known: digests, sizes and times do not repeat much, and a dictionary would be looked for in vain. */
const ENCODINGS: Readonly<Partial<Record<ColumnType, "PLAIN" | "RLE_DICTIONARY">>> = {
  digest: "PLAIN",
  bytes: "PLAIN",
  time: "PLAIN",
  group: "RLE_DICTIONARY",
};

/** The library's names for a column's type. */
const ELEMENTS = {
  digest: { type: "BYTE_ARRAY", converted_type: "UTF8", logical_type: { type: "STRING" } },
  group: { type: "BYTE_ARRAY", converted_type: "UTF8", logical_type: { type: "STRING" } },
  text: { type: "BYTE_ARRAY", converted_type: "UTF8", logical_type: { type: "STRING" } },
  bytes: { type: "INT64" },
  count: { type: "INT32" },
  time: {
    type: "INT64",
    converted_type: "TIMESTAMP_MILLIS",
    logical_type: { type: "TIMESTAMP", isAdjustedToUTC: true, unit: "MILLIS" },
  },
  flag: { type: "BOOLEAN" },
} as const satisfies Record<ColumnType, Omit<SchemaElement, "name">>;

interface Column {
  readonly name: string;
  readonly type: ColumnType;
  values: unknown[];
}

/** What is known of a finished table. */
export interface WrittenTable {
  readonly rows: number;
  readonly files: number;
  /** Of all files together. */
  readonly bytes: number;
}

/** Writes a table as `part-00000.parquet` and so on in a folder of its own, a group of rows at a time. Throws the system's errors. */
export class TableWriter<C extends Columns> {
  readonly #columns: readonly Column[];
  readonly #schema: SchemaElement[];
  readonly #compression = compression();
  #buffered = 0;
  #groups = 0;
  #file: { readonly path: string; readonly writer: ParquetWriter } | undefined;
  #written: WrittenTable = { rows: 0, files: 0, bytes: 0 };

  constructor(
    private readonly directory: string,
    columns: C,
  ) {
    fs.mkdirSync(directory);
    const declared = Object.entries(columns).map(([name, type]) => ({ name, ...parseType(type) }));
    this.#columns = declared.map(({ name, type }) => ({ name, type, values: [] }));
    this.#schema = [
      { name: "row", num_children: declared.length },
      ...declared.map(({ name, type, isOptional }) => ({
        name,
        ...ELEMENTS[type],
        repetition_type: isOptional ? ("OPTIONAL" as const) : ("REQUIRED" as const),
      })),
    ];
  }

  /** Adds a row. */
  add(row: Row<C>): void {
    for (const { name, type, values } of this.#columns) values.push(physical(type, row[name]));
    if (++this.#buffered === ROWS_PER_GROUP) this.#writeGroup();
  }

  /** Writes what is left, to the disk. A table without rows is a file without rows: its columns can be read. */
  finish(): WrittenTable {
    if (this.#buffered > 0 || this.#written.files === 0) this.#writeGroup();
    this.#closeFile();
    return this.#written;
  }

  #writeGroup(): void {
    this.#file ??= this.#openFile();
    const columnData = this.#columns.map(({ name, type, values }) => {
      const encoding = ENCODINGS[type];
      return { name, data: values, ...(encoding === undefined ? {} : { encoding }) };
    });
    // Both are done when they return: the file's writer is synchronous.
    void this.#file.writer.write({ columnData, rowGroupSize: ROWS_PER_GROUP });
    this.#written = { ...this.#written, rows: this.#written.rows + this.#buffered };
    this.#buffered = 0;
    for (const column of this.#columns) column.values = [];
    if (++this.#groups === GROUPS_PER_FILE) this.#closeFile();
  }

  #openFile() {
    const file = path.join(this.directory, `part-${String(this.#written.files).padStart(5, "0")}.parquet`);
    this.#groups = 0;
    this.#written = { ...this.#written, files: this.#written.files + 1 };
    const { codec, compress } = this.#compression;
    const writer = new ParquetWriter({
      writer: fileWriter(file),
      schema: this.#schema,
      codec,
      compressors: { [codec]: compress },
      createdBy: "regcheck",
    });
    return { path: file, writer };
  }

  #closeFile(): void {
    if (this.#file === undefined) return;
    const { path: file, writer } = this.#file;
    this.#file = undefined;
    void writer.finish();
    const descriptor = fs.openSync(file, "r+");
    try {
      fs.fsyncSync(descriptor);
      this.#written = { ...this.#written, bytes: this.#written.bytes + fs.fstatSync(descriptor).size };
    } finally {
      fs.closeSync(descriptor);
    }
  }
}

function parseType(declared: Columns[string]): { readonly type: ColumnType; readonly isOptional: boolean } {
  for (const type of ["digest", "group", "text", "bytes", "count", "time", "flag"] as const) {
    if (declared === type) return { type, isOptional: false };
    if (declared === `${type}?`) return { type, isOptional: true };
  }
  throw new TypeError(`unknown column type ${declared}`);
}

/** A value as the file has it. */
function physical(type: ColumnType, value: unknown): unknown {
  if (typeof value !== "number") return value ?? null;
  if (type === "bytes") return BigInt(value);
  return type === "time" ? BigInt(Math.round(value * 1000)) : value;
}
