import { describe, expect, test } from "vitest";
import { RegistryBuilder } from "../support/builder.js";
import { RegistryTree } from "../support/registry-tree.js";
import { regcheck } from "../support/run.js";
import { contentOf } from "../support/sweeping.js";
import { temporaryDirectory, written } from "../support/temporary.js";

/** An image with two tags, one that is part of an index, one with a tag of its own, and a tag whose manifest was deleted. */
function registry() {
  const builder = new RegistryBuilder();
  const app = builder.repository("team/app");
  const image = app.image({ layers: ["a layer"], tag: "1" });
  app.tag("latest", image.digest);
  const child = app.image({ layers: ["arm"], tag: "arm" });
  const index = app.index([child], "multi");
  const only = app.image({ layers: ["old"], config: "old", tag: "old" });
  const gone = app.image({ layers: ["gone"], config: "gone", tag: "gone" });
  app.deleteManifest(gone);
  return { builder, app, image, child, index, only, gone };
}

async function untag(directory: string, ...args: string[]) {
  const journal = temporaryDirectory();
  const run = await regcheck(["untag", ...args, "--storage", directory, "--registry-stopped", "--journal-dir", journal]);
  return { ...run, journal };
}

describe("untag", () => {
  test("removes tags and their history, and says what becomes of their manifests", async () => {
    const { builder, image, child, index, only, gone } = registry();
    const directory = written(builder.tree);
    const tags = ["latest", "arm", "old", "gone"].map((tag) => `team/app:${tag}`);
    const { exitCode, stdout, stderr } = await untag(directory, ...tags);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout.split("\n").slice(0, 4)).toEqual([
      `team/app:latest is removed; ${image.digest} still has the tags 1`,
      `team/app:arm is removed; ${child.digest} is still part of ${index.digest}`,
      `team/app:old is removed; ${only.digest} has no other tag: it can be pulled by digest until a sweep with --delete-untagged`,
      `team/app:gone is removed; the repository has no ${gone.digest} any more`,
    ]);
    const before = [...builder.tree.files.keys()];
    const isGone = (file: string): boolean => /\/tags\/(?:latest|arm|old|gone)\//.test(file);
    expect([...RegistryTree.readFrom(directory).files.keys()].sort()).toEqual(before.filter((file) => !isGone(file)).sort());
  });

  test.each([
    ["latest", ["--quarantine"]],
    ["gone", ["--quarantine"]],
    ["latest", []],
    ["gone", []],
  ])("of %s can be undone, with %j", async (tag, more) => {
    const { builder } = registry();
    const directory = written(builder.tree);
    const { journal, stdout } = await untag(directory, `team/app:${tag}`, ...more);
    const run = /Run (\S+),/.exec(stdout)?.[1] ?? "";
    const restored = await regcheck(["restore", run, "--storage", directory, "--journal-dir", journal]);
    expect(restored).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("2 objects restored") as unknown });
    expect(contentOf(RegistryTree.readFrom(directory))).toEqual(contentOf(builder.tree));
  });

  test.each([
    ["an unknown tag", ["team/app:1", "team/app:no"], 2, "team/app:no: no such tag"],
    ["an unknown repository", ["team/app:1", "team/none:1"], 2, "team/none: no such repository"],
    ["what is no tag", ["team/app"], 2, "expected repository:tag"],
  ])("%s is an error before anything is touched", async (_, tags, code, message) => {
    const { builder } = registry();
    const directory = written(builder.tree);
    const { exitCode, stdout, stderr } = await untag(directory, ...tags);
    expect({ exitCode, stdout }).toEqual({ exitCode: code, stdout: "" });
    expect(stderr).toContain(message);
    expect(contentOf(RegistryTree.readFrom(directory))).toEqual(contentOf(builder.tree));
  });

  test("an upload in its repository that is younger than the grace time refuses it", async () => {
    const { builder } = registry();
    builder.now = Math.floor(Date.now() / 1000) - 300;
    builder.repository("team/app").upload("0f7c1c8e-6f0e-4f5e-9c39-5d3a4d3f8a11", new Date(builder.now * 1000).toISOString());
    const directory = written(builder.tree);
    const { exitCode, stderr } = await untag(directory, "team/app:1");
    expect(stderr).toMatch(/^regcheck: untag refused by the rule no-active-uploads: .*team\/app.*Nothing was removed\.\n$/);
    expect(exitCode).toBe(4);
    expect((await untag(directory, "team/app:1", "--grace", "1m")).exitCode).toBe(0);
  });
});
