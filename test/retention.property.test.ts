import fs from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { check } from "#regcheck/check.js";
import { OperatorError } from "#regcheck/errors.js";
import { Digest } from "#regcheck/registry/digest.js";
import type { Policy } from "#regcheck/mark/policy.js";
import { parsePolicyFile } from "#regcheck/retention/policy-file.js";
import type { RetentionRequest } from "#regcheck/retention/retention.js";
import { FilesystemChanges } from "#regcheck/storage/filesystem/changes.js";
import { FilesystemStorage } from "#regcheck/storage/filesystem/filesystem.js";
import { untagByPolicy } from "#regcheck/untag-by-policy.js";
import { describeTree, NOW } from "./support/arbitrary-registry.js";
import { arbitraryPolicies } from "./support/arbitrary-policies.js";
import { blobFile } from "./support/builder.js";
import { judge } from "./support/oracle.js";
import { property, propertyRuns } from "./support/property.js";
import { arbitraryRetained, withoutTags } from "./support/retained-registry.js";
import { sweepDirectory, sweepOptions } from "./support/sweeping.js";
import { makeTemporaryDirectory } from "./support/temporary.js";

const TRIES = property(propertyRuns(25));

/** Removes the tags, then sweeps; what that came to, undefined where the registry looks copied, for its tags are of a few hours. */
async function untagAndSweep(root: string, policy: Policy & { readonly retention: RetentionRequest }) {
  const common = sweepOptions(path.join(root, "journal"));
  const storage = FilesystemStorage.open(root, { concurrency: 1 });
  const changes = new FilesystemChanges(fs.realpathSync(root));
  const retention = { ...policy.retention, detail: "objects" as const };
  try {
    const untagged = await untagByPolicy(
      { storage, changes },
      { ...common, check: { policy: { ...policy, retention } }, maxUntag: 1, allowUnused: true, allowEmpty: true },
    );
    const { result } = await sweepDirectory(root, { ...common, check: { policy: { ...policy, retention: undefined } } });
    const { blobs, bytes, revisions, layerLinks } = result.deleted;
    return { tags: untagged.result?.deleted.tags ?? 0, blobs, bytes, revisions, layerLinks };
  } catch (error) {
    if (error instanceof OperatorError && error.message.includes("refused by the rule push-times")) return undefined;
    throw error;
  } finally {
    await storage.close();
  }
}

const policies = arbitraryPolicies({
  repositories: ["app", "team/**", "app/*", "app*"],
  tags: ["v*", "l*", "latest", "-*", "sha256-*", "*.sig"],
  spans: ["30m", "1h", "90m", "2h"],
});

describe("what would be free by a policy file", () => {
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
    "is what untag --apply and then a sweep take, and what an independent oracle says",
    async () => {
      await fc.assert(
        fc.asyncProperty(arbitraryRetained, policies, fc.boolean(), async ({ tree, pins, grace }, file, dropDanglingTags) => {
          const retention = parsePolicyFile(JSON.stringify(file), "p.json");
          const before = `${JSON.stringify(file)}\n${describeTree(tree)}`;
          for (const part of ["docker", "regcheck", "journal"])
            fs.rmSync(path.join(root, part), { recursive: true, force: true });
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
          const done = await untagAndSweep(root, policy);
          const tags = report.repositories.reduce((sum, one) => sum + (one.withPolicy?.tags ?? 0), 0);

          expect({ tags, ...withPolicy }, before).toEqual(done ?? { tags, ...withPolicy });
          const gone = withoutTags(tree, file, { pins, grace, dropDanglingTags });
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
        TRIES.options,
      );
    },
    TRIES.timeout,
  );
});
