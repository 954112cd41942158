import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import type { Finding } from "#regcheck/mark/finding.js";
import { Digest } from "#regcheck/registry/digest.js";
import { formatCsv } from "#regcheck/report/csv.js";
import { formatNdjson } from "#regcheck/report/ndjson.js";
import { sha256 } from "../support/builder.js";
import { reportOf } from "../support/report.js";

const FINDINGS = 1_000_000;
/** What the heap may differ by, in bytes: what is written is more than 200 MB. */
const MOST_KEPT = 32 * 1024 * 1024;

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** Findings that are made as they are asked for, as those of a report are. */
function* findings(): Generator<Finding> {
  const digest = Digest.parse(sha256("x"));
  for (let i = 0; i < FINDINGS; i++)
    yield {
      code: "blob-unreferenced",
      path: `docker/registry/v2/blobs/sha256/${i}/data`,
      repository: `team/${i}`,
      digest,
      bytes: i,
    };
}

const report = reportOf([], { findings });
const tool = { name: "regcheck", version: "1.2.3" };

describe("a million findings are written with a flat heap", () => {
  test.each([
    ["ndjson", () => formatNdjson(report, tool, 0)],
    ["csv", () => formatCsv(report)],
  ])("%s", { timeout: 120_000 }, (_, format) => {
    const heaps: number[] = [];
    let pieces = 0;
    let characters = 0;
    for (const piece of format()) {
      characters += piece.length;
      if (++pieces % (FINDINGS / 4) !== 0) continue;
      collectGarbage();
      heaps.push(process.memoryUsage().heapUsed);
    }
    expect(characters).toBeGreaterThan(200 * FINDINGS);
    expect(heaps).toHaveLength(4);
    expect(Math.max(...heaps) - Math.min(...heaps)).toBeLessThan(MOST_KEPT);
  });
});
