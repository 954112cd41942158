import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { check } from "#regcheck/check.js";
import { FilesystemStorage } from "#regcheck/storage/filesystem/filesystem.js";
import { RegistryBuilder, V2 } from "../support/builder.js";
import { checkTree } from "../support/check-tree.js";
import { temporaryDirectory } from "../support/temporary.js";

/** More than an engine takes as the arguments of one call. */
const MANY = 130_000;

describe("what anybody who may push can make large", () => {
  test("indexes that nest without end", async () => {
    const registry = new RegistryBuilder();
    registry.repository("sound").image({ config: "sound", tag: "1" });
    const app = registry.repository("team/app");
    let top = app.image({ layers: ["a layer"] });
    for (let i = 0; i < 12_000; i++) top = app.index([top]);
    const report = await checkTree(registry.tree, { deleteUntagged: true });
    const heights = [...report.findings()].flatMap(({ code, height }) => (code === "manifest-unreferenced" ? [height] : []));
    expect(heights).toHaveLength(12_001);
    expect(Math.max(...heights.map((height) => height ?? -1))).toBe(12_000);
  });

  test.each([
    ["repositories below one name", "repositories/team"],
    ["abandoned uploads", "repositories/team/_uploads"],
  ])("%s", async (_, parent) => {
    const directory = temporaryDirectory();
    const full = path.join(directory, V2, parent);
    fs.mkdirSync(full, { recursive: true });
    for (let i = 0; i < MANY; i++) fs.mkdirSync(`${full}/x${i}`);
    fs.mkdirSync(path.join(directory, V2, "repositories/app/_uploads"), { recursive: true });
    const storage = FilesystemStorage.open(directory);
    try {
      const policy = { deleteUntagged: false, dropDanglingTags: false, grace: 0, now: 2 ** 31, pins: [] };
      expect((await check(storage, { policy })).complete).toBe(true);
    } finally {
      await storage.close();
      fs.rmSync(full, { recursive: true });
    }
  });
});
