import fs from "node:fs";
import path from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import type { DuckDBConnection } from "@duckdb/node-api";
import { TABLES } from "#regcheck/export/tables.js";

export type SqlRow = Readonly<Record<string, unknown>>;

/** DuckDB with one thread, in memory. */
export async function connectDuckdb(): Promise<DuckDBConnection> {
  const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
  const connection = await instance.connect();
  await connection.run("set timezone = 'UTC'");
  return connection;
}

/** The same for hundreds of small registries: on a few rows, making a query's plan good takes longer than the query. */
export async function connectForSmallTables(): Promise<DuckDBConnection> {
  const connection = await connectDuckdb();
  await connection.run("pragma disable_optimizer");
  return connection;
}

/** The rows of a query; 64-bit numbers and times come as text. */
export async function rowsOf(connection: DuckDBConnection, sql: string): Promise<readonly SqlRow[]> {
  return (await connection.runAndReadAll(sql)).getRowObjectsJson();
}

/** Makes a view of each table of an export. */
export async function viewTables(connection: DuckDBConnection, directory: string): Promise<void> {
  for (const table of Object.keys(TABLES))
    await connection.run(
      `create or replace view ${table} as select * from read_parquet('${path.join(directory, table)}/*.parquet')`,
    );
}

/** Reads the tables of an export into memory: where there are few rows, each look at a file takes longer than the query. */
export async function loadTables(connection: DuckDBConnection, directory: string): Promise<void> {
  for (const table of Object.keys(TABLES))
    await connection.run(
      `create or replace table ${table} as select * from read_parquet('${path.join(directory, table)}/*.parquet')`,
    );
}

/** `export.json` of an export. */
export function readExportFile(directory: string): unknown {
  return JSON.parse(fs.readFileSync(path.join(directory, "export.json"), "utf8"));
}
