import fs from "node:fs";
import path from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import type { ExportFile } from "#regcheck/export/export-file.js";
import type { Report } from "#regcheck/report/report.js";
import { rowsOf } from "./tables.js";

/** What `docs/sql/mark.sql` is made of. */
export interface SqlStep {
  readonly kind: "table" | "loop";
  readonly name: string;
  readonly query: string;
}

export const MARK_SQL = fs.readFileSync(path.resolve(import.meta.dirname, "../../docs/sql/mark.sql"), "utf8");

/** Codes that follow from the tables; the others are about what a single file holds, and are given in the table of findings. */
export const DERIVED_CODES = [
  "blob-unreferenced",
  "manifest-unreferenced",
  "tag-dangling",
  "layer-link-unreferenced",
  "layer-link-dangling",
  "child-missing",
  "blob-missing",
  "layer-link-missing",
  "revision-link-missing",
  "blob-size-mismatch",
  "referrer-orphaned",
  "tag-index-dangling",
] as const;

export function stepsOf(sql: string): readonly SqlStep[] {
  return Array.from(
    sql.matchAll(/^-- @(table|loop) (\w+)[^\n]*\n([^]*?)(?=^-- @|$(?![^]))/gm),
    ([, kind, name = "", query = ""]) => ({
      kind: kind === "loop" ? "loop" : "table",
      name,
      query: query.trim(),
    }),
  );
}

/** Runs the mark on the tables of an export, which are there as views, and sums up what it came to. */
export async function markInSql(connection: DuckDBConnection, { policy, asOf }: ExportFile, sql = MARK_SQL) {
  await connection.run(
    `create or replace table policy as select timestamptz '${policy.cutoff}' as cutoff, timestamptz '${asOf}' as as_of`,
  );
  const untagged = policy.deleteUntagged ? policy.variant : "with_delete_untagged";
  for (const { kind, name, query } of stepsOf(sql)) {
    const filled = query.replaceAll("{selected}", policy.variant).replaceAll("{untagged}", untagged);
    if (kind === "table") {
      await connection.run(`create or replace table ${name} as ${filled}`);
      continue;
    }
    for (let before = ""; before !== (before = await contentOf(connection, name));) {
      await connection.run(`create or replace table ${name}_next as ${filled}`);
      await connection.run(`drop table ${name}; alter table ${name}_next rename to ${name}`);
    }
  }
  const findings = await rowsOf(connection, "select code, repository, tag, digest from findings_by_sql");
  const reclaimable = await rowsOf(
    connection,
    "select * from reclaimable join reclaimable_links using (variant) order by variant",
  );
  const repositories = await rowsOf(connection, "select * from repository_bytes order by repository");
  return {
    findings: findings.map(({ code, repository, tag, digest }) => identity(code, repository, tag, digest)).sort(),
    reclaimable: reclaimable.map((row) => Object.values(row).map(String)),
    repositories: repositories.map((row) => Object.values(row).map(String)),
  };
}

/** Any change of a loop's table changes this. */
async function contentOf(connection: DuckDBConnection, table: string): Promise<string> {
  return JSON.stringify(await rowsOf(connection, `select count(*), sum(hash(t)) from ${table} t`));
}

/** The same of a report. */
export function markInReport(report: Report) {
  const { reclaimable, repositories } = report;
  const variants = {
    as_is: reclaimable.asIs,
    with_both: reclaimable.withBoth,
    with_delete_untagged: reclaimable.withDeleteUntagged,
    with_drop_dangling_tags: reclaimable.withDropDanglingTags,
  };
  return {
    findings: Array.from(report.findings(DERIVED_CODES), ({ code, repository, tag, digest }) =>
      identity(code, repository, tag, digest?.toString()),
    ).sort(),
    reclaimable: Object.entries(variants).map(([name, { blobs, bytes, revisions, layerLinks }]) =>
      [name, blobs, bytes, revisions, layerLinks].map(String),
    ),
    repositories: repositories.map(({ name, bytes, exclusiveBytes, reclaimableBytes }) =>
      [name, bytes, exclusiveBytes, reclaimableBytes].map(String),
    ),
  };
}

/**
 * What SQL says, without the sizes of which a check has found the cause by hashing the blob, which no table has: the manifest says a wrong
 * one, or the blob is corrupt and reported as that.
 */
export function withoutJudgedSizes(sql: Awaited<ReturnType<typeof markInSql>>, report: Report) {
  const causes = new Set(
    Array.from(report.findings(["manifest-size-wrong", "blob-corrupt", "manifest-corrupt"]), ({ code, repository, digest }) =>
      code === "manifest-size-wrong" ? repository : digest?.toString(),
    ),
  );
  const reported = new Set(markInReport(report).findings);
  const isJudged = (finding: string): boolean => {
    const [code, repository, , digest] = JSON.parse(finding) as (string | null)[];
    return code === "blob-size-mismatch" && !reported.has(finding) && (causes.has(repository ?? "") || causes.has(digest ?? ""));
  };
  return { ...sql, findings: sql.findings.filter((finding) => !isJudged(finding)) };
}

/** The tag counts where the finding is about the tag; elsewhere it is one of several through which a pull gets there. */
function identity(code: unknown, repository: unknown, tag: unknown, digest: unknown): string {
  const isOfTag = code === "tag-dangling" || code === "tag-index-dangling";
  return JSON.stringify([code, repository ?? null, isOfTag ? tag : null, digest ?? null]);
}
