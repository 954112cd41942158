import { expect, test } from "vitest";
import { check } from "#regcheck/check.js";
import { FilesystemStorage } from "#regcheck/storage/filesystem/filesystem.js";
import { RegistryBuilder } from "../support/builder.js";
import { written } from "../support/temporary.js";

const DAY = 86_400;

test("garbage is summed up by its age; what is live or younger than the grace time is not in it", async () => {
  const now = Math.floor(Date.now() / 1000);
  const registry = new RegistryBuilder();
  for (const [days, content] of [
    [0, "young"],
    [0.5, "a"],
    [3, "bb"],
    [6.9, "bbb"],
    [29, "cccc"],
    [400, "dddddd"],
    [4000, "eeeeeeee"],
  ] as const) {
    registry.now = Math.floor(now - days * DAY);
    registry.blob(content);
  }
  registry.now = now - 50 * DAY;
  registry.repository("team/app").image({ tag: "live" });
  const storage = FilesystemStorage.open(written(registry.tree));
  try {
    const policy = { deleteUntagged: false, dropDanglingTags: false, grace: 3600, now, pins: [] };
    const report = await check(storage, { policy });
    expect(report.garbageAges().map(({ underDays, blobs, bytes }) => [underDays, blobs, bytes])).toEqual([
      [1, 1, 1],
      [7, 2, 5],
      [30, 1, 4],
      [90, 0, 0],
      [365, 0, 0],
      [undefined, 2, 14],
    ]);
    expect(report.garbageAges().reduce((sum, { bytes }) => sum + bytes, 0)).toBe(report.reclaimable.asIs.bytes);
  } finally {
    await storage.close();
  }
});
