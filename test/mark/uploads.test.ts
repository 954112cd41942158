import { expect, test } from "vitest";
import { RegistryBuilder, V2 } from "../support/builder.js";
import { checkTree } from "../support/check-tree.js";

const HOUR = 3600;
const NOW = Math.floor(Date.now() / 1000);

/** The codes of an upload whose files were written so many hours ago, by what its `startedat` holds. */
async function codesOf(startedAt: string, hours: number): Promise<readonly string[]> {
  const registry = new RegistryBuilder();
  const app = registry.repository("team/app");
  app.image({ layers: ["a layer"], config: "a config", tag: "1" });
  registry.tree.write(`${V2}/repositories/team/app/_uploads/u/startedat`, startedAt, NOW - hours * HOUR);
  registry.tree.write(`${V2}/repositories/team/app/_uploads/u/data`, "half a layer", NOW - hours * HOUR);
  const report = await checkTree(registry.tree, { grace: HOUR, now: NOW });
  return Array.from(report.findings(), ({ code }) => code);
}

// `Date` makes a time of nearly all of these: the first of the month, of the year, of 2001.
test.each(["", "2026-1", "2026", "20", "1", "2025-11-26T10:00:00", "2025-11-26T10:00:00Z\n", "\0\0\0\0"])(
  "a startedat that was cut to %j makes no upload older than its files",
  async (startedAt) => {
    expect(await codesOf(startedAt, 2)).toEqual(["upload-idle"]);
    expect(await codesOf(startedAt, 200)).toEqual(["upload-stale"]);
  },
);

test("one that is whole says when the upload began", async () => {
  expect(await codesOf("2025-11-26T10:00:00Z", 2)).toEqual(["upload-stale"]);
});
