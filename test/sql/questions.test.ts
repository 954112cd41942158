import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { exportTables } from "#regcheck/export.js";
import { FilesystemStorage } from "#regcheck/storage/filesystem/filesystem.js";
import { RegistryBuilder } from "../support/builder.js";
import type { RegistryTree } from "../support/registry-tree.js";
import { stepsOf } from "../support/sql-mark.js";
import { connectDuckdb, rowsOf, viewTables } from "../support/tables.js";
import type { SqlRow } from "../support/tables.js";
import { temporaryDirectory, written } from "../support/temporary.js";

const QUESTIONS = stepsOf(fs.readFileSync(path.resolve(import.meta.dirname, "../../docs/sql/questions.sql"), "utf8"));

/** Two teams that share a base; one image is signed, one by a referrer, one layer is garbage. */
function registry(isOlder = false) {
  const builder = new RegistryBuilder();
  const app = builder.repository("red/app");
  const signed = app.image({ layers: ["the base of all", "red"], config: "red", tag: "1" });
  app.image({ layers: ["a signature"], config: "s", tag: `${signed.digest.replace(":", "-")}.sig` });
  const web = builder.repository("blue/web");
  const attested = web.image({ layers: ["the base of all", "blue"], config: "blue", tag: "1" });
  web.image({ layers: ["an attestation"], config: "a", subject: attested });
  if (!isOlder) web.image({ layers: ["the base of all", "new in blue"], config: "blue 2", tag: "2" });
  web.push("nobody needs this");
  return builder.tree;
}

async function exported(tree: RegistryTree) {
  const storage = FilesystemStorage.open(written(tree), { concurrency: 1 });
  const out = path.join(temporaryDirectory(), "out");
  const now = Math.floor(Date.now() / 1000);
  const policy = { deleteUntagged: false, dropDanglingTags: false, grace: 0, now, pins: [] };
  const { file, report } = await exportTables(storage, out, { policy, tool: { name: "regcheck", version: "0" } });
  await storage.close();
  return { out, file, report };
}

describe("docs/sql/questions.sql", () => {
  test("answers what operators ask", async () => {
    const before = await exported(registry(true));
    const { out, file, report } = await exported(registry());
    const connection = await connectDuckdb();
    await viewTables(connection, out);
    await connection.run(
      `create view repositories_before as select * from read_parquet('${before.out}/repositories/*.parquet');
       create table policy as select cast('${file.policy.cutoff}' as timestamp) as cutoff`,
    );
    const answers: Record<string, readonly SqlRow[]> = {};
    for (const { name, query } of QUESTIONS) answers[name] = await rowsOf(connection, query.replaceAll("{team}", "blue/"));
    const size = (name: string): number => report.repositories.find((one) => one.name === name)?.exclusiveBytes ?? 0;
    const old = before.report.repositories.find((one) => one.name === "blue/web")?.bytes ?? 0;
    const bytes = report.repositories.find((one) => one.name === "blue/web")?.bytes ?? 0;
    expect(answers["grown"]).toEqual([
      { repository: "blue/web", grown: String(bytes - old), bytes: String(bytes), more_tags: 1 },
    ]);
    expect(answers["base_layers"]).toEqual([
      { digest: expect.stringMatching(/^sha256:/) as unknown, size: "15", images: "3", repositories: "2" },
    ]);
    expect(answers["team_frees"]).toEqual([{ blobs: expect.anything() as unknown, bytes: String(size("blue/web")) }]);
    expect(answers["unsigned"]?.map(({ repository, tag }) => `${String(repository)}:${String(tag)}`)).toEqual(["blue/web:2"]);
    expect(answers["unpulled"]).toEqual([]);
    expect(answers["pushed"]).toEqual([]);
    expect(answers["old_garbage"]).toEqual([{ age: "older", blobs: "1", bytes: "17" }]);
  });
});
