import fs from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { describeTree, plainRegistry } from "../support/arbitrary-registry.js";
import { checkTree } from "../support/check-tree.js";
import { temporaryDirectory } from "../support/temporary.js";
import type { RegistryTree } from "../support/registry-tree.js";
import { runProgram } from "./support/programs.js";
import { REGISTRIES } from "./support/registry.js";

const VERSIONS = ["2.8", "3.1"] as const;

/** Random registries without damage: garbage is what the real collector would take, neither more nor less. */
describe.each(VERSIONS)("the collector of registry %s", (version) => {
  test("would take the blobs that regcheck offers, and with -m at least those", async () => {
    const directory = temporaryDirectory();
    const config = path.join(directory, "config.yml");
    const storage = path.join(directory, "storage");
    fs.writeFileSync(config, JSON.stringify({ version: 0.1, storage: { filesystem: { rootdirectory: storage } } }));
    const eligible = async (tree: RegistryTree, ...options: readonly string[]): Promise<string[]> => {
      fs.rmSync(storage, { recursive: true, force: true });
      tree.writeTo(storage);
      const output = await runProgram(REGISTRIES[version], ["garbage-collect", "--dry-run", ...options, config]);
      return Array.from(output.matchAll(/^blob eligible for deletion: (\S+)$/gm), (match) => match[1] ?? "").sort();
    };
    const offered = async (tree: RegistryTree, deleteUntagged: boolean): Promise<string[]> => {
      const findings = [...(await checkTree(tree, { dropDanglingTags: true, deleteUntagged })).findings()];
      return findings.flatMap(({ code, digest }) => (code === "blob-unreferenced" ? String(digest) : [])).sort();
    };
    let seen = 0;
    await fc.assert(
      fc.asyncProperty(plainRegistry, async (tree) => {
        const blobs = await offered(tree, false);
        seen += blobs.length;
        expect(blobs, describeTree(tree)).toEqual(await eligible(tree));
        // With -m the collectors take more: live referrers (3.1), and children of tagged indexes (2.8).
        expect(await eligible(tree, "-m"), describeTree(tree)).toEqual(expect.arrayContaining(await offered(tree, true)));
      }),
      { numRuns: 40 },
    );
    expect(seen).toBeGreaterThan(0);
  });
});
