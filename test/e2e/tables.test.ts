import { execFile } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { TABLES } from "#regcheck/export/tables.js";
import { generateTo } from "../support/generate.js";
import { FIXTURE, regcheck } from "../support/run.js";
import { DERIVED_CODES as DERIVED } from "../support/sql-mark.js";
import { readExportFile } from "../support/tables.js";
import { temporaryDirectory } from "../support/temporary.js";

const CACHE =
  process.env["REGCHECK_CI_CACHE"] ??
  path.join(process.env["XDG_CACHE_HOME"] ?? path.join(os.homedir(), ".cache"), "regcheck-ci");
const PYTHON = path.join(CACHE, "engines/bin/python3");
/** It has ZSTD, which the oldest Node that regcheck runs on has not. */
const NEWEST_LTS = path.join(CACHE, "node-lts/node_modules/node/bin/node");
const MAIN = path.resolve(import.meta.dirname, "../../dist/cli/main.js");
const MARK = path.resolve(import.meta.dirname, "../../docs/sql/mark.py");
const run = promisify(execFile);
/** Whether the blob or the manifest is to blame for a size, only the blob's content tells. */
const DERIVED_CODES: ReadonlySet<string> = new Set(DERIVED.filter((code) => code !== "blob-size-mismatch"));

/** A thousand manifests with damage of every kind. */
const LARGER = {
  repositories: 20,
  images: 40,
  layers: 2,
  baseLayers: 5,
  multiArch: 0.2,
  untagged: 0.2,
  moved: 0.3,
  abandoned: 0.2,
  damaged: 0.05,
  layerBytes: 100,
};

interface Result {
  readonly reclaimable: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly repositories: readonly (readonly [string, number, number, number])[];
  readonly findings: readonly (readonly [string, string, string, string])[];
}

async function exported(storage: string, ...args: string[]): Promise<string> {
  const out = path.join(temporaryDirectory(), "out");
  const { exitCode, stderr } = await regcheck(["export", out, storage, "--grace", "0", "--quiet", ...args]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  return out;
}

async function marked(out: string, engine: "duckdb" | "spark"): Promise<Result> {
  const file = path.join(temporaryDirectory(), "result.json");
  await run(PYTHON, [MARK, out, "--engine", engine, "--threads", "2", "--memory", "2GB", "--partitions", "1", "--result", file], {
    maxBuffer: 2 ** 26,
  });
  return JSON.parse(fs.readFileSync(file, "utf8")) as Result;
}

/** The same of the report: tags count where the finding is about the tag. */
async function reported(storage: string, ...args: string[]) {
  const { stdout } = await regcheck([storage, "--grace", "0", "--format", "json", ...args]);
  const report = JSON.parse(stdout) as {
    findings: Record<string, string>[];
    reclaimable: Record<string, Record<string, number>>;
    repositories: Record<string, string | number>[];
  };
  const { asIs, withDeleteUntagged, withDropDanglingTags } = report.reclaimable;
  return {
    reclaimable: { as_is: asIs, with_delete_untagged: withDeleteUntagged, with_drop_dangling_tags: withDropDanglingTags },
    repositories: report.repositories.map(({ name, bytes, exclusiveBytes, reclaimableBytes }) => [
      name,
      bytes,
      exclusiveBytes,
      reclaimableBytes,
    ]),
    findings: report.findings
      .filter(({ code = "" }) => DERIVED_CODES.has(code))
      .map(({ code = "", repository = "", tag = "", digest = "" }) => identity(code, repository, tag, digest))
      .sort(),
  };
}

function identity(code: string, repository: string, tag: string, digest: string): string {
  return JSON.stringify([code, repository, code === "tag-dangling" || code === "tag-index-dangling" ? tag : "", digest]);
}

function comparable({ reclaimable, repositories, findings }: Result) {
  const { with_both: _, ...three } = reclaimable;
  return {
    reclaimable: three,
    repositories,
    findings: findings
      .filter(([code]) => DERIVED_CODES.has(code))
      .map((one) => identity(...one))
      .sort(),
  };
}

describe("an export", () => {
  test("is read by Arrow, every file of every table", async () => {
    const out = await exported(FIXTURE, "--keep", path.join(FIXTURE, "../registry.findings.json"));
    const script = `import json, sys, pyarrow.parquet as p
print(json.dumps({t: [p.read_table(sys.argv[1] + "/" + t).num_rows, p.read_schema(sys.argv[1] + "/" + t + "/part-00000.parquet").names] for t in sys.argv[2:]}))`;
    const { stdout } = await run(PYTHON, ["-c", script, out, ...Object.keys(TABLES)]);
    const { tables } = readExportFile(out) as { tables: Record<string, { rows: number }> };
    expect(JSON.parse(stdout)).toEqual(
      Object.fromEntries(Object.entries(TABLES).map(([name, columns]) => [name, [tables[name]?.rows, Object.keys(columns)]])),
    );
  });

  test("that was not finished is refused by name when it is read", async () => {
    const out = await exported(FIXTURE);
    fs.rmSync(path.join(out, "export.json"));
    await expect(run(PYTHON, [MARK, out])).rejects.toThrow(
      /there is no export\.json: this is no export, or one that was not finished/,
    );
  });

  test.each(["duckdb", "spark"] as const)(
    "of the fixture gives the report's findings and sums by %s",
    async (engine) => {
      const out = await exported(FIXTURE, "--delete-untagged");
      expect(comparable(await marked(out, engine))).toEqual(await reported(FIXTURE, "--delete-untagged"));
    },
    600_000,
  );

  test("compressed by ZSTD, as the newest LTS of Node writes it, is read by Arrow, DuckDB and Spark", async () => {
    const out = path.join(temporaryDirectory(), "out");
    await run(NEWEST_LTS, [MAIN, "export", out, FIXTURE, "--grace", "0", "--quiet"]);
    expect(readExportFile(out)).toMatchObject({ compression: "ZSTD" });
    const script = `import sys, pyarrow.parquet as p
f = p.ParquetFile(sys.argv[1] + "/blobs/part-00000.parquet")
print({f.metadata.row_group(g).column(c).compression for g in range(f.num_row_groups) for c in range(f.metadata.num_columns)}, f.read().num_rows > 0)`;
    expect((await run(PYTHON, ["-c", script, out])).stdout).toBe("{'ZSTD'} True\n");
    for (const engine of ["duckdb", "spark"] as const)
      expect(comparable(await marked(out, engine))).toEqual(await reported(FIXTURE));
  }, 600_000);

  test.each(["duckdb", "spark"] as const)(
    "of a larger registry gives the report's findings and sums by %s",
    async (engine) => {
      const directory = temporaryDirectory();
      generateTo(directory, LARGER);
      const out = await exported(directory);
      expect(comparable(await marked(out, engine))).toEqual(await reported(directory));
    },
    600_000,
  );
});
