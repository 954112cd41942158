import fs from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { check } from "#regcheck/check.js";
import { Digest } from "#regcheck/registry/digest.js";
import { FilesystemStorage } from "#regcheck/storage/filesystem/filesystem.js";
import { arbitraryRegistry, describeTree, isPushedTo, GRACE, NOW } from "./support/arbitrary-registry.js";
import { blobFile } from "./support/builder.js";
import { judge } from "./support/oracle.js";
import type { OraclePolicy, Verdict } from "./support/oracle.js";
import { property, propertyRuns } from "./support/property.js";
import type { RegistryTree } from "./support/registry-tree.js";
import { makeTemporaryDirectory } from "./support/temporary.js";

const TRIES = property(propertyRuns(100));

const VARIANTS = {
  asIs: { deleteUntagged: false, dropDanglingTags: false },
  withDeleteUntagged: { deleteUntagged: true, dropDanglingTags: false },
  withDropDanglingTags: { deleteUntagged: false, dropDanglingTags: true },
  withBoth: { deleteUntagged: true, dropDanglingTags: true },
} as const;
const NAMES = ["asIs", "withDeleteUntagged", "withDropDanglingTags", "withBoth"] as const;

describe("what is garbage, against an independent oracle", () => {
  const root = makeTemporaryDirectory();
  const storageDirectory = path.join(root, "docker");
  let storage: FilesystemStorage | undefined;

  beforeAll(() => {
    fs.mkdirSync(path.join(root, "docker/registry/v2"), { recursive: true });
    storage = FilesystemStorage.open(root, { concurrency: 1 });
  });
  afterAll(async () => {
    await storage?.close();
    fs.rmSync(root, { recursive: true });
  });

  /** What regcheck would let a sweep take, and how much of it every variant of the policy would take. */
  async function offered(tree: RegistryTree, policy: OraclePolicy) {
    if (storage === undefined) throw new Error("there is no storage");
    fs.rmSync(storageDirectory, { recursive: true });
    fs.mkdirSync(path.join(root, "docker/registry/v2"), { recursive: true });
    tree.writeTo(root);
    const pins = policy.pins.flatMap((pin) => Digest.parse(pin) ?? []);
    const report = await check(storage, { policy: { ...policy, pins } });
    const findings = [...report.findings()];
    expect(findings.filter(({ code }) => code === "storage-unreadable")).toEqual([]);
    const of = (code: string, field: "path" | "digest"): string[] =>
      findings
        .filter((finding) => finding.code === code && finding.reclaimable !== false)
        .map((finding) => String(finding[field]))
        .sort();
    return {
      selected: {
        blobs: of("blob-unreferenced", "digest"),
        layerLinks: of("layer-link-unreferenced", "path"),
        danglingLayerLinks: of("layer-link-dangling", "path"),
        revisions: of("manifest-unreferenced", "path"),
      } satisfies Verdict,
      sums: NAMES.map((variant) => ({ variant, ...report.reclaimable[variant] })),
    };
  }

  test.each(NAMES)(
    "no live thing is offered, every dead one is: %s",
    async (selected) => {
      await fc.assert(
        fc.asyncProperty(arbitraryRegistry, fc.constantFrom(0, GRACE), async ({ tree, pins }, grace) => {
          fc.pre(isPushedTo(tree));
          const verdict = (variant: keyof typeof VARIANTS): Verdict =>
            judge(tree, { ...VARIANTS[variant], grace, now: NOW, pins });
          const real = await offered(tree, { ...VARIANTS[selected], grace, now: NOW, pins });
          expect(real.selected, describeTree(tree)).toEqual(verdict(selected));
          expect(real.sums, describeTree(tree)).toEqual(NAMES.map((variant) => ({ variant, ...sum(tree, verdict(variant)) })));
        }),
        TRIES.options,
      );
    },
    TRIES.timeout,
  );
});

/** A verdict in the figures of a report. */
function sum(tree: RegistryTree, { blobs, layerLinks, danglingLayerLinks, revisions }: Verdict) {
  const bytes = blobs.reduce((total, digest) => total + (tree.files.get(blobFile(digest))?.content.length ?? 0), 0);
  return {
    blobs: blobs.length,
    bytes,
    revisions: revisions.length,
    layerLinks: layerLinks.length + danglingLayerLinks.length,
  };
}
