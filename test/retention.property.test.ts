import fs from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { check } from "#regcheck/check.js";
import { Digest } from "#regcheck/registry/digest.js";
import { parsePolicyFile } from "#regcheck/retention/policy-file.js";
import { FilesystemStorage } from "#regcheck/storage/filesystem/filesystem.js";
import { describeTree, NOW } from "./support/arbitrary-registry.js";
import { arbitraryPolicies } from "./support/arbitrary-policies.js";
import { blobFile } from "./support/builder.js";
import { judge } from "./support/oracle.js";
import { arbitraryRetained, withoutTags } from "./support/retained-registry.js";
import { makeTemporaryDirectory } from "./support/temporary.js";

const RUNS = Number(process.env["REGCHECK_PROPERTY_RUNS"] ?? 40);

const policies = arbitraryPolicies({
  repositories: ["app", "team/**", "app/*", "app*"],
  tags: ["v*", "l*", "latest", "-*"],
  spans: ["30m", "1h", "90m", "2h"],
});

describe("what would be free by a policy file, against an independent oracle", () => {
  const root = makeTemporaryDirectory();
  let storage: FilesystemStorage | undefined;
  beforeAll(() => {
    fs.mkdirSync(path.join(root, "docker/registry/v2"), { recursive: true });
    storage = FilesystemStorage.open(root, { concurrency: 1 });
  });
  afterAll(async () => {
    await storage?.close();
    fs.rmSync(root, { recursive: true });
  });

  test(
    "is what a sweep takes when the tags have gone that go",
    async () => {
      await fc.assert(
        fc.asyncProperty(arbitraryRetained, policies, fc.boolean(), async ({ tree, pins, grace }, file, dropDanglingTags) => {
          const retention = parsePolicyFile(JSON.stringify(file), "p.json");
          const before = `${JSON.stringify(file)}\n${describeTree(tree)}`;
          fs.rmSync(path.join(root, "docker"), { recursive: true });
          fs.mkdirSync(path.join(root, "docker/registry/v2"), { recursive: true });
          tree.writeTo(root);
          if (storage === undefined) throw new Error("there is no storage");
          const policy = {
            deleteUntagged: true,
            dropDanglingTags,
            grace,
            now: NOW,
            pins: pins.flatMap((pin) => Digest.parse(pin) ?? []),
            retention: { retention, file: "p.json", detail: "sums" as const },
          };
          const report = await check(storage, { policy });
          const { withPolicy } = report.reclaimable;
          const tags = report.repositories.reduce((sum, one) => sum + (one.withPolicy?.tags ?? 0), 0);

          const gone = withoutTags(tree, file, pins, grace);
          const verdict = judge(tree, { deleteUntagged: true, dropDanglingTags, grace, now: NOW, pins });
          const bytes = verdict.blobs.reduce((sum, digest) => sum + (tree.files.get(blobFile(digest))?.content.length ?? 0), 0);
          expect({ tags, ...withPolicy }, before).toEqual({
            tags: gone,
            blobs: verdict.blobs.length,
            bytes,
            revisions: verdict.revisions.length,
            layerLinks: verdict.layerLinks.length + verdict.danglingLayerLinks.length,
          });
        }),
        { numRuns: RUNS },
      );
    },
    30_000 + RUNS * 500,
  );
});
