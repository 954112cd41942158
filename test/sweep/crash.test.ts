import { describe, expect, test } from "vitest";
import { killEverywhere } from "../support/crashes.js";
import { pullAll } from "../support/pullable.js";
import { RegistryTree } from "../support/registry-tree.js";
import { garbageRegistry } from "../support/sweeping.js";
import { temporaryDirectory } from "../support/temporary.js";

/**
 * `REGCHECK_CRASH_POINTS=Infinity npx vitest … test/sweep/crash.test.ts` takes every point, which takes an hour; a part keeps the
 * test short. test/e2e/crash.test.ts asks the real registries in place of our own reading of their rules.
 */
const COUNT = Number(process.env["REGCHECK_CRASH_POINTS"] ?? 8);

const KINDS = ["blob", "layer-link", "revision", "tag", "tag-index", "upload"];

describe("a sweep that is killed by SIGKILL, before or after any change to the storage or the journal", () => {
  test.each([{ quarantine: false }, { quarantine: true }])(
    "leaves every pull whole; a second run finishes; restore brings all back (quarantine: $quarantine)",
    { timeout: 7_200_000 },
    async ({ quarantine }) => {
      const before = garbageRegistry(6);
      const pullable = new Map([...pullAll(before)].filter(([, content]) => content !== undefined));
      const { points, pointsInThreads, removed } = await killEverywhere(before, temporaryDirectory(), {
        quarantine,
        count: COUNT,
        inParallel: true,
        inspect: async (directory, stage) => {
          const after = pullAll(RegistryTree.readFrom(directory));
          expect(new Map([...after].filter(([, content]) => content !== undefined)), stage).toEqual(pullable);
        },
      });
      // Only a quarantine has to say which directories were empty: without one there is nothing to restore.
      const { directory = 0, ...objects } = Object.fromEntries(removed);
      expect({ kinds: Object.keys(objects).sort(), hasDirectories: directory > 0 }).toEqual({
        kinds: KINDS,
        hasDirectories: quarantine,
      });
      const deletions = Object.values(objects).reduce((sum, count) => sum + count, 0);
      expect(deletions).toBeGreaterThanOrEqual(200);
      expect(points).toBeGreaterThan(deletions * 4);
      // Blobs and layer links, most of what there is, go in any order.
      expect(pointsInThreads).toBeGreaterThan(points / 3);
    },
  );
});
