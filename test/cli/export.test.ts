import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import zlib from "node:zlib";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, test } from "vitest";
import { TABLES } from "#regcheck/export/tables.js";
import { RegistryBuilder, TYPES } from "../support/builder.js";
import { buildFixture } from "../support/fixture.js";
import { LONG_AGO } from "../support/registry-tree.js";
import { FIXTURE, regcheck } from "../support/run.js";
import { CREDENTIALS, startedServer, store } from "../support/s3-bucket.js";
import { connectDuckdb, readExportFile, rowsOf, viewTables } from "../support/tables.js";
import { temporaryDirectory, written } from "../support/temporary.js";

const KEYS = { AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId, AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey };

async function exported(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const out = path.join(temporaryDirectory(), "out");
  const run = await regcheck(["export", out, ...args], environment);
  return { out, ...run };
}

/** The rows of every table, in an order that does not depend on the storage's. */
async function allRows(out: string) {
  const connection = await connectDuckdb();
  await viewTables(connection, out);
  const tables: Record<string, readonly unknown[]> = {};
  for (const table of Object.keys(TABLES)) tables[table] = await rowsOf(connection, `select * from ${table} order by all`);
  return tables;
}

describe("regcheck export", () => {
  test("has the rows that it says, and the findings of the report", async () => {
    const { out, exitCode, stdout, stderr } = await exported([FIXTURE, "--grace", "0"]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout).toMatch(/\/out: 11 tables, \d+ rows, [\d.]+ kB, as of \d{4}-/);
    const rows = await allRows(out);
    const file = readExportFile(out) as { tables: Record<string, { rows: number }> };
    expect(Object.fromEntries(Object.entries(rows).map(([table, { length }]) => [table, length]))).toEqual(
      Object.fromEntries(Object.entries(file.tables).map(([table, written_]) => [table, written_.rows])),
    );
    const report = JSON.parse((await regcheck([FIXTURE, "--grace", "0", "--format", "json"])).stdout) as {
      findings: Record<string, unknown>[];
      repositories: Record<string, unknown>[];
      totals: Record<string, number>;
    };
    const text = ({ code, repository, tag, digest, path: file_, bytes, message }: Record<string, unknown>) =>
      JSON.stringify([code, repository ?? null, tag ?? null, digest ?? null, file_, Number(bytes ?? -1), message]);
    expect(rows["findings"]?.map((row) => text(row as Record<string, unknown>)).sort()).toEqual(report.findings.map(text).sort());
    expect(rows["repositories"]).toHaveLength(report.totals["repositories"] ?? 0);
    expect(rows["blobs"]).toHaveLength(report.totals["blobs"] ?? 0);
    expect(rows["tags"]).toHaveLength(report.totals["tags"] ?? 0);
  });

  test("is compressed by ZSTD where Node has it, and says by what", async () => {
    const { out } = await exported([FIXTURE, "--grace", "0"]);
    const codec = Object.hasOwn(zlib, "zstdCompressSync") ? "ZSTD" : "GZIP";
    expect(readExportFile(out)).toMatchObject({ compression: codec });
    const connection = await connectDuckdb();
    const codecs = await rowsOf(connection, `select distinct compression from parquet_metadata('${out}/*/*.parquet')`);
    expect(codecs).toEqual([{ compression: codec }]);
  });

  test("has the largest size that a manifest can say, as far as it can be told exactly", async () => {
    const builder = new RegistryBuilder();
    const app = builder.repository("app");
    const { digest } = app.push("{}");
    const config = `"config": { "digest": "${digest}", "size": 9223372036854775807 }`;
    const manifest = `{ "schemaVersion": 2, "mediaType": "${TYPES.image}", ${config}, "layers": [] }`;
    app.manifest(manifest, "1");
    const { out, exitCode, stderr } = await exported([written(builder.tree)]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    const connection = await connectDuckdb();
    await viewTables(connection, out);
    const sizes = await rowsOf(connection, "select size from manifest_references");
    expect(sizes).toEqual([{ size: "9007199254740991" }]);
  });

  test("has the same rows for a directory as for a bucket", async () => {
    const tree = buildFixture();
    const server = await startedServer();
    store(server, tree);
    const directory = await exported([written(tree), "--grace", "0"]);
    const bucket = await exported(["s3://b", "--endpoint", server.endpoint, "--grace", "0"], KEYS);
    const rows = await allRows(directory.out);
    expect(await allRows(bucket.out)).toEqual(rows);
    expect(new Set(rows["layer_links"]?.map((row) => (row as { modified: string }).modified))).toEqual(
      new Set([new Date(LONG_AGO * 1000).toISOString().replace("T", " ").replace(".000Z", "+00")]),
    );
  });

  test("export.json is as its schema says, which names every table", async () => {
    const { out } = await exported([FIXTURE, "--keep", path.join(FIXTURE, "../registry.findings.json"), "--delete-untagged"]);
    const schema = JSON.parse(
      fs.readFileSync(path.resolve(import.meta.dirname, "../../src/export/export.schema.json"), "utf8"),
    ) as { properties: { tables: { required: string[] } } };
    const ajv = new Ajv2020({ strict: false, formats: { "date-time": (text) => new Date(text).toISOString() === text } });
    const validate = ajv.compile(schema);
    validate(readExportFile(out));
    expect(ajv.errorsText(validate.errors)).toBe("No errors");
    expect(schema.properties.tables.required).toEqual(Object.keys(TABLES));
    expect((await allRows(out))["pins"]?.length).toBeGreaterThan(20);
  });

  test("has the columns that docs/sql describes", () => {
    const readme = fs.readFileSync(path.resolve(import.meta.dirname, "../../docs/sql/README.md"), "utf8");
    const rows = [...readme.matchAll(/^\| `(\w+)` \| (.*?) \|/gm)].map(([, table, columns]) => [table, columns]);
    const described = Object.entries(TABLES).map(([table, columns]) => [
      table,
      Object.entries(columns)
        .map(([name, type]) => `\`${name}\`${(type as string).endsWith("?") ? "?" : ""}`)
        .join(", "),
    ]);
    expect(rows.filter(([table = ""]) => Object.hasOwn(TABLES, table))).toEqual(described);
  });

  test.each([
    [
      "another export",
      (out: string) => fs.writeFileSync(path.join(out, "export.json"), "{}"),
      "there is an export in it already",
    ],
    [
      "one that was not finished",
      (out: string) => fs.mkdirSync(path.join(out, "blobs")),
      "an export in it that was not finished",
    ],
    ["something else", (out: string) => fs.writeFileSync(path.join(out, "notes.txt"), ""), "it is not empty"],
  ])("a folder with %s is refused by name", async (_, fill, says) => {
    const out = temporaryDirectory();
    fill(out);
    const before = fs.readdirSync(out);
    const { exitCode, stdout, stderr } = await regcheck(["export", out, FIXTURE]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(stderr).toContain(`${out}: `);
    expect(stderr).toContain(says);
    expect(fs.readdirSync(out)).toEqual(before);
  });

  test("never writes into the storage", async () => {
    const directory = written(buildFixture());
    const out = path.join(directory, "docker/out");
    const { exitCode, stderr } = await regcheck(["export", out, directory]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain("it lies in the storage, which is only read");
    expect(fs.existsSync(out)).toBe(false);
  });

  test("says that it is not complete where something could not be read, and exits with 3", async () => {
    const server = await startedServer();
    store(server, buildFixture());
    server.inject({ operation: "GetObject", times: 1000, effect: { kind: "error", status: 403, code: "AccessDenied" } });
    const { out, exitCode, stderr } = await exported(["s3://b", "--endpoint", server.endpoint], KEYS);
    expect(exitCode).toBe(3);
    expect(stderr).toContain("complete: false");
    expect(readExportFile(out)).toMatchObject({ complete: false });
  });

  test("killed in the middle it has no export.json, and the next one says so", async () => {
    const registry = new RegistryBuilder();
    registry.repository("app").image({ layers: ["a layer"], tag: "1" });
    const server = await startedServer();
    store(server, registry.tree);
    server.inject({ operation: "GetObject", times: 1000, effect: { kind: "stall" } });
    const out = path.join(temporaryDirectory(), "out");
    const program = path.resolve(import.meta.dirname, "../../dist/cli/main.js");
    const child = spawn(process.execPath, [program, "export", out, "s3://b", "--endpoint", server.endpoint], {
      env: { PATH: process.env["PATH"], ...KEYS },
    });
    const closed = new Promise((resolve) => child.on("close", (_, signal) => resolve(signal)));
    await expect.poll(() => fs.existsSync(path.join(out, "findings")), { timeout: 60_000 }).toBe(true);
    child.kill("SIGKILL");
    expect(await closed).toBe("SIGKILL");
    expect(fs.existsSync(path.join(out, "export.json"))).toBe(false);
    expect((await regcheck(["export", out, FIXTURE])).stderr).toContain("an export in it that was not finished (no export.json)");
  });
});
