import fs from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { Digest } from "#regcheck/registry/digest.js";
import { arbitraryRegistry, describeTree, GRACE, NOW } from "../support/arbitrary-registry.js";
import { blobFile, RegistryBuilder, V2 } from "../support/builder.js";
import { judge } from "../support/oracle.js";
import type { OraclePolicy, Verdict } from "../support/oracle.js";
import { property, propertyRuns } from "../support/property.js";
import { pull, pullAll } from "../support/pullable.js";
import { RegistryTree } from "../support/registry-tree.js";
import { sweepDirectory, sweepOptions } from "../support/sweeping.js";
import { makeTemporaryDirectory } from "../support/temporary.js";

const TRIES = property(propertyRuns(30), { perRun: 2000 });

/** What each tag, and each manifest by its digest, gives to a client; nothing where the pull fails. */
function pulls(tree: RegistryTree): Map<string, readonly string[]> {
  const got = new Map<string, readonly string[]>();
  for (const [name, content] of pullAll(tree)) if (content !== undefined) got.set(name, content);
  for (const [file] of tree.below(`${V2}/repositories`)) {
    const match = /^(.+?)\/_manifests\/revisions\/(\w+)\/(\w+)\/link$/.exec(file);
    const [, repository = "", algorithm = "", hex = ""] = match ?? [];
    const content = match === null ? undefined : pull(tree, repository, `${algorithm}:${hex}`);
    if (content !== undefined) got.set(`${repository}@${algorithm}:${hex}`, content);
  }
  return got;
}

function filesOf({ blobs, layerLinks, danglingLayerLinks, revisions }: Verdict): string[] {
  return [...blobs.map((digest) => blobFile(digest)), ...layerLinks, ...danglingLayerLinks, ...revisions].sort();
}

describe("a sweep of a random registry", () => {
  const sound = new RegistryBuilder();
  sound.repository("library/alpine").image({ layers: ["alpine"], config: "alpine", tag: "3.20" });
  const root = makeTemporaryDirectory();
  const directory = path.join(root, "storage");
  afterAll(() => fs.rmSync(root, { recursive: true }));

  const sweepTree = async (tree: RegistryTree, policy: OraclePolicy): Promise<RegistryTree> => {
    fs.rmSync(directory, { recursive: true, force: true });
    fs.mkdirSync(path.join(directory, V2), { recursive: true });
    tree.writeTo(directory);
    const pins = policy.pins.flatMap((pin) => Digest.parse(pin) ?? []);
    await sweepDirectory(directory, sweepOptions(path.join(root, "journal"), { check: { policy: { ...policy, pins } } }));
    return RegistryTree.readFrom(directory);
  };

  test(
    "takes all that an independent oracle calls garbage and nothing else, and every pull is what it was",
    async () => {
      const anyPolicy = fc.record({
        deleteUntagged: fc.boolean(),
        dropDanglingTags: fc.boolean(),
        grace: fc.constantFrom(0, GRACE),
      });
      await fc.assert(
        fc.asyncProperty(arbitraryRegistry, anyPolicy, async ({ tree, pins }, switches) => {
          // Blobs without any repository are the sign of a wrong root, which the guard refuses.
          for (const [file, { content }] of sound.tree.files) tree.write(file, content);
          const policy = { ...switches, now: NOW, pins };
          const verdict = judge(tree, policy);
          const after = await sweepTree(tree, policy);

          const gone = [...tree.files.keys()].filter((file) => !after.files.has(file)).sort();
          const isTagFile = (file: string): boolean => file.includes("/_manifests/tags/");
          expect(
            gone.filter((file) => !isTagFile(file)),
            describeTree(tree),
          ).toEqual(filesOf(verdict));
          const currents = gone.filter((file) => file.endsWith("/current/link"));
          expect(policy.dropDanglingTags ? [] : currents, describeTree(tree)).toEqual([]);

          const removed = new Set(
            verdict.revisions.map((file) =>
              file.replace(/.*repositories\/(.*)\/_manifests\/revisions\/(\w+)\/(\w+)\/link/, "$1@$2:$3"),
            ),
          );
          const kept = new Map([...pulls(tree)].filter(([name]) => !removed.has(name)));
          expect(pulls(after), describeTree(tree)).toEqual(kept);

          // A second run has nothing to do, but for the history of tags whose manifests went in the first.
          const again = await sweepTree(after, policy);
          const late = [...after.files.keys()].filter((file) => !again.files.has(file));
          expect(
            late.filter((file) => !/\/_manifests\/tags\/[^/]+\/index\//.test(file)),
            describeTree(tree),
          ).toEqual([]);
        }),
        TRIES.options,
      );
    },
    TRIES.timeout,
  );
});
