import { expect, test } from "vitest";
import { formatSwept } from "#regcheck/sweep/format.js";

const NOTHING = { blobs: 0, bytes: 0, revisions: 0, layerLinks: 0, tags: 0, uploads: 0, repositories: 0 };

/** What is said of a sweep that has removed this. */
function told(removed: Partial<typeof NOTHING>): string {
  const deleted = { ...NOTHING, ...removed };
  const result = {
    runId: "RUN",
    journal: "journal",
    deleted,
    quarantined: false,
    keepsVersions: false,
    standing: { count: 0, first: [] },
    stopped: undefined,
  };
  return formatSwept({ result }, { colour: false, width: undefined }, { hasRedis: false, undoArguments: "" });
}

test("a registry is to be restarted only if something went that it may have cached", () => {
  expect(told({ tags: 2, uploads: 1 })).not.toMatch(/restart|redis/i);
  expect(told({ tags: 2, layerLinks: 1 })).toMatch(/restart every registry: what it has cached may name links that are gone/);
  expect(told({ blobs: 1, layerLinks: 1 })).toMatch(/restart every registry: what it has cached may name blobs that are gone/);
});
