import path from "node:path";
import { describe, expect, test } from "vitest";
import { exportTables } from "#regcheck/export.js";
import type { Policy } from "#regcheck/mark/policy.js";
import { FilesystemStorage } from "#regcheck/storage/filesystem/filesystem.js";
import { buildFixture } from "../support/fixture.js";
import type { RegistryTree } from "../support/registry-tree.js";
import { markInReport, markInSql, withoutJudgedSizes } from "../support/sql-mark.js";
import { connectDuckdb, viewTables } from "../support/tables.js";
import { temporaryDirectory, written } from "../support/temporary.js";

async function both(tree: RegistryTree, policy: Partial<Policy> = {}) {
  const storage = FilesystemStorage.open(written(tree), { concurrency: 1 });
  const out = path.join(temporaryDirectory(), "out");
  const now = Math.floor(Date.now() / 1000);
  const { report, file } = await exportTables(storage, out, {
    policy: { deleteUntagged: false, dropDanglingTags: false, grace: 0, now, pins: [], ...policy },
    tool: { name: "regcheck", version: "0" },
  });
  await storage.close();
  const connection = await connectDuckdb();
  await viewTables(connection, out);
  return { sql: withoutJudgedSizes(await markInSql(connection, file), report), report: markInReport(report) };
}

describe("docs/sql/mark.sql", () => {
  test.each([
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ])("says what the report says of the fixture: untagged %s, dangling %s", async (deleteUntagged, dropDanglingTags) => {
    const { sql, report } = await both(buildFixture(), { deleteUntagged, dropDanglingTags });
    expect(sql).toEqual(report);
    expect(report.findings.length).toBeGreaterThan(10);
  });
});
