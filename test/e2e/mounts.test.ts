import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { V2 } from "../support/builder.js";
import { RegistryTree } from "../support/registry-tree.js";
import { contentOf, garbageRegistry } from "../support/sweeping.js";
import { temporaryDirectory } from "../support/temporary.js";
import { regcheckWithMounts } from "./support/mounts.js";

/** A registry whose path has a space in it, which the system's list of mounts writes otherwise. */
function place() {
  const parent = fs.realpathSync(temporaryDirectory());
  const root = path.join(parent, "the registry");
  garbageRegistry().writeTo(root);
  const at = (...names: string[]): string => path.join(parent, ...names);
  /** What lies at a path of the registry goes elsewhere on the same filesystem, to be mounted where it was. */
  const elsewhere = (file: string): { from: string; at: string } => {
    const from = at(`elsewhere-${path.basename(file)}`);
    if (fs.existsSync(path.join(root, file))) fs.renameSync(path.join(root, file), from);
    for (const directory of [from, path.join(root, file)]) fs.mkdirSync(directory, { recursive: true });
    return { from, at: path.join(root, file) };
  };
  const content = (): Map<string, string> => contentOf(RegistryTree.readFrom(parent));
  return { root, at, elsewhere, content, rules: ["--registry-stopped", "--journal-dir", at("journal")] };
}

const SWEEP = ["--sweep", "--delete-untagged", "--max-delete", "100%", "--quarantine"];
const APP = `${V2}/repositories/team/app-0`;

describe("bind mounts of the same filesystem, out of which nothing can be linked", () => {
  test.each([
    ["the blobs", `${V2}/blobs`, `${V2}/blobs`],
    ["a repository", APP, APP],
    ["regcheck's own directory", "regcheck", `${V2}/blobs`],
  ])("%s: a sweep into the quarantine is refused before anything goes, and its dry run too", async (_name, mounted, source) => {
    const { root, elsewhere, content, rules } = place();
    const mounts = [elsewhere(mounted)];
    const before = content();
    const why = `nothing can be moved to the quarantine: ${root}/regcheck/quarantine is on another mount than ${root}/${source}`;
    const dry = await regcheckWithMounts(mounts, [root, ...SWEEP, ...rules, "--dry-run"]);
    expect(dry.exitCode, dry.stderr).toBe(4);
    expect(dry.stdout).toContain("can-be-recorded");
    expect((dry.stdout + dry.stderr).replaceAll(/\s+/g, " ")).toContain(why);
    const real = await regcheckWithMounts(mounts, [root, ...SWEEP, ...rules]);
    expect(real.exitCode).toBe(4);
    expect((real.stdout + real.stderr).replaceAll(/\s+/g, " ")).toContain(why);
    expect(content()).toEqual(before);
  });

  test("an untag into the quarantine is refused as well", async () => {
    const { root, elsewhere, content, rules } = place();
    const mounts = [elsewhere(`${V2}/repositories`)];
    const before = content();
    const untag = ["untag", "team/app-0:latest", "--storage", root, "--quarantine", ...rules];
    const { exitCode, stderr } = await regcheckWithMounts(mounts, untag);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 4,
      stderr: expect.stringContaining(`on another mount than ${root}/${V2}/repositories`),
    });
    expect(content()).toEqual(before);
  });

  test("a storage that is mounted read-only: a dry run is refused as the run is, since neither can lock it", async () => {
    const { root, content, rules } = place();
    const mounts = [{ from: root, at: root, readOnly: true }];
    const before = content();
    const sweep = [root, ...SWEEP, ...rules, "--fail-on", "never"];
    const dry = await regcheckWithMounts(mounts, [...sweep, "--dry-run"]);
    const text = dry.stdout.replaceAll(/\s+/g, " ");
    expect(dry.exitCode, dry.stderr).toBe(4);
    expect(text).toContain(`REFUSES one-at-a-time: ${root} cannot be locked: ${root}: read-only file system`);
    const real = await regcheckWithMounts(mounts, sweep);
    expect(real).toMatchObject({ exitCode: 4, stderr: expect.stringContaining(`${root} cannot be locked: `) as unknown });
    expect(content()).toEqual(before);
  });

  test("what is deleted instead of moved goes all the same", async () => {
    const { root, elsewhere, rules } = place();
    const { exitCode, stderr } = await regcheckWithMounts(
      [elsewhere(`${V2}/blobs`)],
      [root, ...SWEEP.filter((option) => option !== "--quarantine"), ...rules, "--fail-on", "never"],
    );
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  });

  test("the storage as a whole, a mount beside the registry's data, and one that another lies over refuse nothing", async () => {
    const { root, at, elsewhere, rules } = place();
    fs.mkdirSync(at("mounted"));
    fs.mkdirSync(path.join(root, "lost+found"));
    const blobs = elsewhere(`${V2}/blobs`);
    // Only here are the blobs where they belong.
    fs.cpSync(root, at("whole"), { recursive: true, preserveTimestamps: true });
    fs.rmSync(at("whole", V2, "blobs"), { recursive: true });
    fs.cpSync(at("elsewhere-blobs"), at("whole", V2, "blobs"), { recursive: true, preserveTimestamps: true });
    const beside = { from: at("mounted"), at: path.join(root, "lost+found") };
    const { exitCode, stderr, stdout } = await regcheckWithMounts(
      [blobs, { from: at("whole"), at: root }, beside],
      [root, ...SWEEP, ...rules, "--fail-on", "never"],
    );
    expect({ exitCode, stderr }, stdout).toEqual({ exitCode: 0, stderr: "" });
    expect(fs.readdirSync(at("whole/regcheck/quarantine"))).toHaveLength(1);
  });
});
