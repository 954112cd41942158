import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { listRuns } from "#regcheck/journal/read-run.js";
import { STORAGE_ID } from "#regcheck/registry/layout.js";
import { RegistryBuilder } from "../support/builder.js";
import { regcheck } from "../support/run.js";
import { garbageRegistry } from "../support/sweeping.js";
import { sweepEverything } from "../support/system-calls.js";
import { temporaryDirectory, written } from "../support/temporary.js";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\n$/;

/** Two registries that are mounted at one path, one at a time, and keep their journals in one place. */
function twoRegistries() {
  const place = path.join(temporaryDirectory(), "registry");
  const journal = temporaryDirectory();
  const directories = [1, 2].map((latest) => {
    const builder = new RegistryBuilder();
    const app = builder.repository("team/app");
    for (const n of [1, 2]) app.image({ layers: [`build ${n}`], config: `config ${n}`, tag: n === latest ? "latest" : `${n}` });
    return written(builder.tree);
  });
  const [a = "", b = ""] = directories;
  const on = async (directory: string, ...args: string[]) => {
    fs.renameSync(directory, place);
    try {
      return await regcheck([...args, "--journal-dir", journal]);
    } finally {
      fs.renameSync(place, directory);
    }
  };
  const untag = async (directory: string): Promise<string> => {
    expect(await on(directory, "untag", "team/app:latest", "--storage", place, "--registry-stopped")).toMatchObject({
      exitCode: 0,
    });
    return listRuns(journal).at(-1) ?? "";
  };
  const latestOf = (directory: string): string | undefined => {
    const link = path.join(directory, "docker/registry/v2/repositories/team/app/_manifests/tags/latest/current/link");
    return fs.existsSync(link) ? fs.readFileSync(link, "utf8") : undefined;
  };
  return { a, b, place, journal, on, untag, latestOf };
}

describe("two registries at one path, with one place for their journals", () => {
  test("are told apart: neither takes the other's runs for its own", async () => {
    const { a, b, place, on, untag, latestOf } = twoRegistries();
    const tagged = latestOf(b);
    const ofB = await untag(b);
    const ofA = await untag(a);
    for (const more of [["--storage", place], []])
      for (const dry of [["--dry-run"], []])
        expect(await on(b, "restore", ofA, ...more, ...dry)).toMatchObject({
          exitCode: 2,
          stderr: expect.stringMatching(/was on another storage .*regcheck\/id .*Mount the one that it was on/) as unknown,
        });
    expect(latestOf(b)).toBeUndefined();
    // The later run of the other one is none of its own.
    expect(await on(b, "restore", ofB, "--storage", place)).toMatchObject({ exitCode: 0, stderr: "" });
    expect(latestOf(b)).toBe(tagged);
    const runs = async (directory: string) => (await on(directory, "runs", place, "--quiet")).stdout;
    expect([await runs(a), await runs(b)]).toEqual([`${ofA}\n`, `${ofB}\n`]);
  });

  test("purge leaves the other's quarantine alone, and says nothing of it", async () => {
    const { a, b, place, on, untag } = twoRegistries();
    await untag(b);
    await untag(a);
    expect(await on(a, ...sweepEverything(place, "unused").slice(0, -2), "--quarantine")).toMatchObject({ exitCode: 0 });
    for (const more of [["--storage", place], []])
      expect(await on(b, "purge", "--older-than", "0s", ...more)).toMatchObject({ exitCode: 0, stderr: "" });
    expect(fs.readdirSync(path.join(a, "regcheck")).sort()).toEqual(["id", "quarantine"]);
    expect(await on(a, "purge", "--older-than", "0s")).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining("1 run purged") as unknown,
    });
    expect(fs.readdirSync(path.join(a, "regcheck"))).toEqual(["id"]);
  });

  test("a plan of one is refused on the other", async () => {
    const { a, b, place, on, untag } = twoRegistries();
    await untag(b);
    const plan = path.join(temporaryDirectory(), "plan.ndjson");
    const delta = ["--delete-untagged", "--grace", "0s"];
    const planned = () => on(b, place, ...delta, "--registry-stopped", "--dry-run", "--plan-output", plan);
    const swept = (directory: string) =>
      on(directory, place, ...delta, "--registry-stopped", "--sweep", "--plan", plan, "--max-delete", "100%");
    expect(await planned()).toMatchObject({ exitCode: 0 });
    await untag(a);
    expect(await swept(a)).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/it is for another storage .*regcheck\/id .*Make a new one/) as unknown,
    });
    expect(await swept(b)).toMatchObject({ exitCode: 0 });
  });
});

describe("the id of a storage", () => {
  test("is written by what changes it, once; never by a check, and it is no stray", async () => {
    const directory = written(garbageRegistry(1));
    const file = path.join(directory, STORAGE_ID);
    const dry = sweepEverything(directory, temporaryDirectory(), "--dry-run");
    for (const args of [[directory, "--fail-on", "never"], dry]) expect(await regcheck(args)).toMatchObject({ exitCode: 0 });
    expect(fs.existsSync(path.join(directory, "regcheck"))).toBe(false);
    const journal = temporaryDirectory();
    expect(await regcheck(sweepEverything(directory, journal))).toMatchObject({ exitCode: 0 });
    const id = fs.readFileSync(file, "utf8");
    expect(id).toMatch(UUID);
    const [runId = ""] = listRuns(journal);
    const [head = ""] = fs.readFileSync(path.join(journal, `${runId}.ndjson`), "utf8").split("\n");
    expect(JSON.parse(head)).toMatchObject({ storage: { driver: "filesystem", id: id.trim() } });
    expect(await regcheck(sweepEverything(directory, temporaryDirectory()))).toMatchObject({ exitCode: 0 });
    expect(fs.readFileSync(file, "utf8")).toBe(id);
    const report = JSON.parse((await regcheck([directory, "--format", "json"])).stdout) as object;
    expect(report).toMatchObject({ stored: { own: id.length, quarantine: 0, strays: 0 }, exitCode: 0 });
    expect(JSON.stringify(report)).not.toContain(id.trim());
  });

  test.each<[string, (file: string) => void]>([
    ["is no such thing", (file) => fs.writeFileSync(file, "somebody's")],
    ["is empty", (file) => fs.writeFileSync(file, "")],
    ["is a directory", (file) => fs.mkdirSync(file)],
    ["is a symbolic link", (file) => fs.symlinkSync(written(garbageRegistry(1)), file)],
  ])("counts as none where it %s, and stays so: runs go on, and go by the path", async (_, make) => {
    const directory = written(garbageRegistry(1));
    const file = path.join(directory, STORAGE_ID);
    fs.mkdirSync(path.dirname(file));
    make(file);
    const before = fs.lstatSync(file);
    const journal = temporaryDirectory();
    expect(await regcheck(sweepEverything(directory, journal, "--quarantine"))).toMatchObject({ exitCode: 0 });
    expect(fs.lstatSync(file)).toMatchObject({ ino: before.ino, size: before.size });
    const [runId = ""] = listRuns(journal);
    expect(fs.readFileSync(path.join(journal, `${runId}.ndjson`), "utf8").split("\n", 1)[0]).not.toContain('"id"');
    expect(await regcheck(["restore", runId, "--journal-dir", journal])).toMatchObject({ exitCode: 0 });
  });

  test("is not asked of what was written before there was one", async () => {
    const { a, place, journal, on, untag, latestOf } = twoRegistries();
    const tagged = latestOf(a);
    const runId = await untag(a);
    const file = path.join(journal, `${runId}.ndjson`);
    fs.writeFileSync(file, fs.readFileSync(file, "utf8").replace(/,"id":"[^"]+"/, ""));
    expect(await on(a, "restore", runId, "--storage", place)).toMatchObject({ exitCode: 0 });
    expect(latestOf(a)).toBe(tagged);
  });
});
