import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { check } from "#regcheck/check.js";
import { FilesystemStorage } from "#regcheck/storage/filesystem/filesystem.js";
import { BENCHMARK, generate, generateTo } from "./generate.js";
import type { GenerateOptions } from "./generate.js";

const SMALL: GenerateOptions = { ...BENCHMARK, repositories: 2, images: 50 };

describe("generate", () => {
  let directory = "";
  beforeEach(() => {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), "regcheck-generate-"));
  });
  afterEach(() => fs.rmSync(directory, { recursive: true }));

  async function checkOf(options: GenerateOptions) {
    generateTo(directory, options);
    const storage = FilesystemStorage.open(directory);
    try {
      const policy = { deleteUntagged: true, dropDanglingTags: false, grace: 0, now: Math.floor(Date.now() / 1000), pins: [] };
      return await check(storage, { policy });
    } finally {
      await storage.close();
    }
  }

  test("writes each path once, and the same every time", () => {
    const files = [...generate(SMALL)];
    expect(new Set(files.map((file) => file.path)).size).toBe(files.length);
    expect([...generate(SMALL)]).toEqual(files);
  });

  test("the benchmark's tree is the one that the figures in the README are about", () => {
    const counts = { data: 0, revisions: 0, current: 0, layers: 0 };
    for (const { path: file } of generate(BENCHMARK)) {
      if (file.endsWith("/data")) counts.data++;
      else if (file.includes("/revisions/")) counts.revisions++;
      else if (file.endsWith("/current/link")) counts.current++;
      else if (file.includes("/_layers/")) counts.layers++;
    }
    expect(counts).toEqual({ data: 114_028, revisions: 23_600, current: 19_600, layers: 96_000 });
  });

  test("without damage nothing is wrong, and the garbage is what was asked for", async () => {
    const report = await checkOf(SMALL);
    expect(report.counts).toEqual({ "blob-unreferenced": 26, "layer-link-unreferenced": 24, "manifest-unreferenced": 2 });
    expect(report.totals).toMatchObject({ repositories: 2, tags: 98 });
  });

  test("each kind of damage comes up", async () => {
    const { counts } = await checkOf({ ...SMALL, damaged: 0.2 });
    expect(counts).toMatchObject({
      "blob-missing": 4,
      "layer-link-invalid": 4,
      "manifest-missing": 4,
      "manifest-corrupt": 4,
      // The other two are of images that no tag names.
      "tag-dangling": 2,
    });
  });
});
