import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { nearest } from "#regcheck/cli/did-you-mean.js";
import { RegistryBuilder } from "../support/builder.js";
import { FIXTURE, regcheck } from "../support/run.js";
import { temporaryDirectory, written } from "../support/temporary.js";

function registry(): string {
  const builder = new RegistryBuilder();
  const app = builder.repository("team/app");
  for (const tag of ["pr-1", "pr-2", "1.0"]) app.image({ layers: [`layer of ${tag}`], tag });
  builder.repository("other").image({ layers: ["a layer"], tag: "pr-1" });
  return written(builder.tree);
}

describe("what people type", () => {
  test("-h, -v and -q are the options that they are everywhere", async () => {
    expect((await regcheck(["-h"])).stdout).toBe((await regcheck(["--help"])).stdout);
    expect((await regcheck(["-v"])).stdout).toBe((await regcheck(["--version"])).stdout);
    expect(await regcheck([registry(), "-q"])).toEqual({ exitCode: 0, stdout: "", stderr: "" });
  });

  test("regcheck check DIR checks, and regcheck sweep DIR sweeps", async () => {
    const directory = registry();
    expect((await regcheck(["check", directory])).stdout).toMatch(/^SOUND/m);
    const refused = await regcheck(["sweep", directory]);
    expect(refused).toMatchObject({
      exitCode: 4,
      stderr: expect.stringContaining("sweep refused by the rule no-writers") as string,
    });
    const planned = await regcheck(["sweep", directory, "--dry-run", "--registry-stopped"]);
    expect(planned.stdout).toContain("A sweep would remove (nothing was changed)");
  });

  test.each([
    [["explian", "team/app:1"], "explian: no such command, and no such directory: did you mean explain?"],
    [["swep", FIXTURE], "swep: no such command, and no such directory: did you mean sweep?"],
    [[FIXTURE, "--delete-untaged"], "Unknown argument: delete-untaged: did you mean --delete-untagged?"],
    [["untag", "a:b", "--registry-ulr", "x"], "Unknown argument: registry-ulr: did you mean --registry-url?"],
    [["gs://bucket"], "gs://bucket: regcheck reads a directory or s3://BUCKET, and knows no gs://"],
    [["https://user:secret@host/x"], "regcheck reads a directory or s3://BUCKET, and knows no https://"],
    [["--config", "/no/such/config.yml"], "/no/such/config.yml: no such file or directory\n"],
    [["--config", "/"], "/: illegal operation on a directory\n"],
    [[FIXTURE, "--keep", "/no/such/pins"], "--keep /no/such/pins: no such file or directory"],
  ])("%j is told what is wrong", async (args, message) => {
    const { exitCode, stdout, stderr } = await regcheck(args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(stderr).toContain(message);
    expect(stderr).not.toMatch(/E[A-Z]{4,}|secret/);
  });

  test.each([
    ["purg", "purge"],
    ["rpeair", "repair"],
    ["sweeep", "sweep"],
    ["registry", undefined],
    ["x", undefined],
  ])("%s may be %s", (word, meant) => {
    expect(nearest(word, ["check", "sweep", "repair", "purge", "restore", "explain"])).toBe(meant);
  });
});

test("repair without a code says what could be repaired here, and what to type", async () => {
  const { exitCode, stdout } = await regcheck(["repair", "--storage", FIXTURE]);
  expect(exitCode).toBe(1);
  expect(stdout).toContain("layer-link-missing: 1 of 1 finding can be repaired\n");
  expect(stdout).toContain("tag-dangling: 1 of 2 findings can be repaired\n");
  expect(stdout).toMatch(/\nTo see what would be written: regcheck repair layer-link-invalid layer-link-missing /);
  expect(stdout.trimEnd().endsWith(` --storage ${FIXTURE}`)).toBe(true);
  const sound = await regcheck(["repair", "--storage", registry()]);
  expect(sound).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(/none here\n[^]*Nothing is to be repaired\.\n$/) as string,
  });
  const apply = await regcheck(["repair", "--apply", "--storage", FIXTURE]);
  expect(apply).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("--apply wants the codes to repair: ") as string });
});

describe("untag by a glob", () => {
  const tagsOf = (directory: string): string[] =>
    fs.readdirSync(path.join(directory, "docker/registry/v2/repositories/team/app/_manifests/tags")).sort();

  test("shows what would go, and removes nothing before --apply", async () => {
    const directory = registry();
    const shown = await regcheck(["untag", "team/*:pr-*", "--storage", directory, "--registry-stopped"]);
    expect(shown.exitCode).toBe(0);
    expect(shown.stdout).toMatch(/^team\/app:pr-1 would be removed; [^]*team\/app:pr-2 would be removed; /);
    expect(shown.stdout).toMatch(/\n2 tags would be removed \(nothing was changed\); --apply removes them\.\n/);
    expect(tagsOf(directory)).toEqual(["1.0", "pr-1", "pr-2"]);
    const both = ["--apply", "--dry-run", "--format", "json"];
    const dry = await regcheck(["untag", "team/*:pr-*", "--storage", directory, "--registry-stopped", ...both]);
    expect(JSON.parse(dry.stdout)).toMatchObject({ tags: [{ tag: "pr-1" }, { tag: "pr-2" }] });
    expect(tagsOf(directory)).toEqual(["1.0", "pr-1", "pr-2"]);
    const journal = ["--journal-dir", temporaryDirectory()];
    const done = await regcheck([
      "untag",
      "team/*:pr-*",
      "--storage",
      directory,
      "--registry-stopped",
      "--apply",
      ...journal,
      "-q",
    ]);
    expect(done).toEqual({ exitCode: 0, stdout: "", stderr: "" });
    expect(tagsOf(directory)).toEqual(["1.0"]);
    expect(fs.existsSync(path.join(directory, "docker/registry/v2/repositories/other/_manifests/tags/pr-1"))).toBe(true);
  });

  test.each([
    ["team/*:zz*", "team/*:zz*: no tag matches. Nothing was removed."],
    ["team/*", "team/*: expected a glob of repository:tag, such as 'team/app:pr-*'"],
  ])("%s is refused", async (glob, message) => {
    const { exitCode, stderr } = await regcheck(["untag", glob, "--storage", registry(), "--registry-stopped", "--apply"]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(message);
  });

  test("what is named whole is removed as ever, and --apply is not for it", async () => {
    const { exitCode, stderr } = await regcheck(["untag", "team/app:1.0", "--apply", "--storage", registry()]);
    expect({ exitCode, stderr }).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining("--apply goes with --policy, or with a glob") as string,
    });
  });
});
