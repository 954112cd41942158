import fs from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { exportTables } from "#regcheck/export.js";
import { Digest } from "#regcheck/registry/digest.js";
import { FilesystemStorage } from "#regcheck/storage/filesystem/filesystem.js";
import { arbitraryRegistry, describeTree, GRACE, NOW } from "../support/arbitrary-registry.js";
import { blobFile } from "../support/builder.js";
import { property, propertyRuns } from "../support/property.js";
import type { RegistryTree } from "../support/registry-tree.js";
import { markInReport, markInSql, withoutJudgedSizes } from "../support/sql-mark.js";
import { connectForSmallTables, loadTables } from "../support/tables.js";
import { makeTemporaryDirectory } from "../support/temporary.js";

/** The digest of a manifest's config; its own where it has none. */
function imageIdOf(tree: RegistryTree, digest: string): string {
  const [, id] = /"config":\s*\{[^}]*"digest":\s*"([^"]+)"/.exec(tree.text(blobFile(digest)) ?? "") ?? [];
  return id ?? digest;
}

const TRIES = property(propertyRuns(200), { perRun: 2000 });

test(
  "docs/sql/mark.sql says what the report says of random damaged registries, with every policy",
  async () => {
    const connection = await connectForSmallTables();
    const parent = makeTemporaryDirectory();
    const root = path.join(parent, "registry");
    const out = path.join(parent, "out");
    const anyPolicy = fc.record({
      deleteUntagged: fc.boolean(),
      dropDanglingTags: fc.boolean(),
      grace: fc.constantFrom(0, GRACE),
      pinBy: fc.constantFrom("digest", "image ID"),
    });
    await fc.assert(
      fc.asyncProperty(arbitraryRegistry, anyPolicy, async ({ tree, pins }, { pinBy, ...policy }) => {
        for (const directory of [root, out]) fs.rmSync(directory, { recursive: true, force: true });
        fs.mkdirSync(path.join(root, "docker/registry/v2"), { recursive: true });
        tree.writeTo(root);
        const storage = FilesystemStorage.open(root, { concurrency: 1 });
        const { report, file } = await exportTables(storage, out, {
          policy: {
            ...policy,
            now: NOW,
            pins: pins.flatMap((pin) => Digest.parse(pinBy === "digest" ? pin : imageIdOf(tree, pin)) ?? []),
          },
          tool: { name: "regcheck", version: "0" },
        });
        await storage.close();
        await loadTables(connection, out);
        const sql = withoutJudgedSizes(await markInSql(connection, file), report);
        expect(sql, describeTree(tree)).toEqual(markInReport(report));
      }),
      TRIES.options,
    );
    fs.rmSync(parent, { recursive: true });
  },
  TRIES.timeout,
);
