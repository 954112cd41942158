import fs from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { exportTables } from "#regcheck/export.js";
import { FilesystemStorage } from "#regcheck/storage/filesystem/filesystem.js";
import { buildFixture } from "../support/fixture.js";
import { entriesOf, inventoryFiles, writeInventory } from "../support/inventory.js";
import { stepsOf } from "../support/sql-mark.js";
import { connectDuckdb, rowsOf, viewTables } from "../support/tables.js";
import { temporaryDirectory, written } from "../support/temporary.js";

const STEPS = stepsOf(fs.readFileSync(path.resolve(import.meta.dirname, "../../docs/sql/inventory.sql"), "utf8"));

test("docs/sql/inventory.sql makes the tables of an export of an inventory, but for what an ETag does not prove", async () => {
  const tree = buildFixture();
  const storage = FilesystemStorage.open(written(tree), { concurrency: 1 });
  const out = path.join(temporaryDirectory(), "out");
  await exportTables(storage, out, {
    policy: { deleteUntagged: false, dropDanglingTags: false, grace: 0, now: Math.floor(Date.now() / 1000), pins: [] },
    tool: { name: "regcheck", version: "0" },
  });
  await storage.close();
  const folder = writeInventory(temporaryDirectory(), inventoryFiles(entriesOf(tree)));
  const exported = await connectDuckdb();
  await viewTables(exported, out);
  const made = await connectDuckdb();
  await made.run(
    `create view inventory as select replace(key, 'docker/registry/v2/', '') as key, size, last_modified_date, e_tag
     from read_parquet('${folder}/data/*.parquet')`,
  );
  for (const { name, query } of STEPS) await made.run(`create table ${name} as ${query}`);
  const count = async (connection: typeof made, query: string): Promise<unknown> =>
    (await rowsOf(connection, `select count(*) as rows from (${query})`))[0]?.["rows"];
  for (const [table, proven] of [
    ["blobs", "digest, size from blobs"],
    ["revisions", "repository, digest, target from revisions where target = digest"],
    ["layer_links", "repository, digest, target from layer_links where target = digest"],
    ["tag_history", "repository, tag, digest from tag_history"],
    // What the tag names now is in its history, as the registry writes it; another digest has to be read.
    [
      "tags",
      "repository, tag, digest, valid_name from tags t where exists (select 1 from tag_history h where h.repository = t.repository and h.tag = t.tag and h.digest = t.digest)",
    ],
  ] as const) {
    const query = `select ${proven} order by all`;
    expect(await rowsOf(made, query), table).toEqual(await rowsOf(exported, query));
    expect(Number(await count(made, query)), table).toBeGreaterThan(20);
  }
  // Emptied and copied links, and those of sha512 names, of which the table says nothing.
  expect(Number(await count(made, "select * from unproven"))).toBeGreaterThan(3);
});
