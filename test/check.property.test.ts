import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { check } from "#regcheck/check.js";
import { Digest } from "#regcheck/registry/digest.js";
import { FilesystemStorage } from "#regcheck/storage/filesystem/filesystem.js";
import { arbitraryRegistry, describeTree, GRACE, NOW } from "./support/arbitrary-registry.js";
import { judge } from "./support/oracle.js";
import type { OraclePolicy, Verdict } from "./support/oracle.js";
import type { RegistryTree } from "./support/registry-tree.js";

/** `REGCHECK_PROPERTY_RUNS=2000 npm test` looks harder. */
const RUNS = Number(process.env["REGCHECK_PROPERTY_RUNS"] ?? 60);

/** What regcheck would let a sweep take. */
async function offered(tree: RegistryTree, policy: OraclePolicy): Promise<Verdict> {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "regcheck-property-"));
  fs.mkdirSync(path.join(directory, "docker/registry/v2"), { recursive: true });
  tree.writeTo(directory);
  const storage = FilesystemStorage.open(directory, { concurrency: 1 });
  try {
    const pins = policy.pins.flatMap((pin) => Digest.parse(pin) ?? []);
    const report = await check(storage, { policy: { ...policy, pins } });
    const findings = [...report.findings()];
    expect(findings.filter(({ code }) => code === "storage-unreadable")).toEqual([]);
    const paths = (code: string): string[] =>
      findings
        .filter((finding) => finding.code === code && finding.reclaimable !== false)
        .map((finding) => finding.path)
        .sort();
    const blobs = findings
      .filter(({ code }) => code === "blob-unreferenced")
      .map(({ digest }) => String(digest))
      .sort();
    expect(report.reclaimable[report.selected].blobs).toBe(blobs.length);
    const layerLinks = paths("layer-link-unreferenced");
    return { blobs, layerLinks, revisions: paths("manifest-unreferenced") };
  } finally {
    await storage.close();
    fs.rmSync(directory, { recursive: true });
  }
}

describe("what is garbage, against an independent oracle", () => {
  test.each([
    { deleteUntagged: false, dropDanglingTags: false },
    { deleteUntagged: true, dropDanglingTags: false },
    { deleteUntagged: false, dropDanglingTags: true },
    { deleteUntagged: true, dropDanglingTags: true },
  ])(
    "no live thing is offered, every dead one is: %o",
    async (switches) => {
      await fc.assert(
        fc.asyncProperty(arbitraryRegistry, fc.constantFrom(0, GRACE), async ({ tree, pins }, grace) => {
          const policy = { ...switches, grace, now: NOW, pins };
          expect(await offered(tree, policy), describeTree(tree)).toEqual(judge(tree, policy));
        }),
        { numRuns: RUNS, interruptAfterTimeLimit: RUNS * 1000 },
      );
    },
    RUNS * 2000,
  );
});
