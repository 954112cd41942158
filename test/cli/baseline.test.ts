import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { blobFile, RegistryBuilder, sha256, V2 } from "../support/builder.js";
import { damagedRegistry } from "../support/damaged-registry.js";
import { problemsOf } from "../support/json-schema.js";
import { FIXTURE, regcheck } from "../support/run.js";
import { temporaryDirectory, written } from "../support/temporary.js";

interface Report {
  readonly startedAt: string;
  readonly baseline: { readonly new: number; readonly gone: number };
  readonly findings: readonly { readonly code: string; readonly new?: true }[];
}

async function saved(directory: string): Promise<string> {
  const file = path.join(temporaryDirectory(), "baseline.ndjson");
  await regcheck([directory, "--grace", "0", "--format", "ndjson", "--output", file]);
  return file;
}

/** The first line of a report in NDJSON. */
function headOf(file: string): Report {
  const [head = ""] = fs.readFileSync(file, "utf8").split("\n");
  return JSON.parse(head) as Report;
}

test("a blob that is emptied, put back and emptied again is new each time, though no run reads blobs", async () => {
  const registry = new RegistryBuilder();
  registry.repository("team/app").image({ layers: ["a layer"], tag: "1" });
  const directory = written(registry.tree);
  const layer = path.join(directory, blobFile(sha256("a layer")));
  const known = path.join(temporaryDirectory(), "known.ndjson");
  const args = [directory, "--grace", "0", "--baseline", known, "--update-baseline", "--fail-on-new", "--format", "json"];
  const night = async (content: string): Promise<[exitCode: number | null, isNew: number, gone: number]> => {
    fs.writeFileSync(layer, content);
    const { exitCode, stdout } = await regcheck(args);
    const { baseline } = JSON.parse(stdout) as Report;
    return [exitCode, baseline.new, baseline.gone];
  };
  fs.writeFileSync(known, (await regcheck([directory, "--grace", "0", "--format", "ndjson"])).stdout);
  const found = await night("");
  expect(found[0]).toBe(1);
  expect(await night("a layer")).toEqual([0, 0, found[1]]);
  expect(await night("")).toEqual(found);
});

describe("--baseline says what is new and how much is gone", () => {
  test("since an earlier report", async () => {
    const { directory, spoil, clean } = damagedRegistry();
    const file = await saved(directory);
    const { startedAt } = headOf(file);
    spoil("new");
    clean();
    const { exitCode, stdout, stderr } = await regcheck([directory, "--grace", "0", "--baseline", file, "--format", "json"]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: "" });
    const report = JSON.parse(stdout) as Report;
    expect(problemsOf(report)).toBe("No errors");
    expect(report.baseline).toEqual({
      startedAt,
      complete: true,
      new: 1,
      gone: 2,
      newByCode: { "tag-link-invalid": 1 },
      goneByCode: { "blob-unreferenced": 1, "layer-link-unreferenced": 1 },
      unread: [],
    });
    expect(report.findings.map((finding) => finding.new)).toEqual([true, undefined]);
  });

  test("of the file that it replaces", async () => {
    const { directory, spoil } = damagedRegistry();
    const file = await saved(directory);
    const args = [directory, "--grace", "0", "--baseline", file, "--format", "ndjson", "--output", file];
    const counts = () => headOf(file).baseline.new;
    spoil("new");
    await regcheck(args);
    expect(counts()).toBe(1);
    await regcheck(args);
    expect(counts()).toBe(0);
  });
});

describe("--fail-on-new", () => {
  test("makes the exit code 1 for new findings at or above --fail-on only", async () => {
    const { directory, spoil } = damagedRegistry();
    const file = await saved(directory);
    const args = [directory, "--grace", "0", "--quiet", "--baseline", file];
    expect((await regcheck(args)).exitCode).toBe(1);
    expect(await regcheck([...args, "--fail-on-new"])).toEqual({ exitCode: 0, stdout: "", stderr: "" });
    fs.writeFileSync(path.join(directory, V2, "repositories/team/web/_manifests/tags/.DS_Store"), "");
    expect((await regcheck([...args, "--fail-on-new"])).exitCode).toBe(0);
    expect((await regcheck([...args, "--fail-on-new", "--fail-on", "warning"])).exitCode).toBe(1);
    spoil("new");
    const { exitCode, stdout } = await regcheck([...args, "--fail-on-new"]);
    expect(exitCode).toBe(1);
    expect(stdout).toContain("team/app:new  (new)");
    expect((await regcheck([...args, "--fail-on-new", "--fail-on", "never"])).exitCode).toBe(0);
    const dry = ["--dry-run", "--registry-stopped", "--max-delete=100%"];
    expect((await regcheck([...args, "--fail-on-new", ...dry])).exitCode).toBe(1);
  });

  test("does not make an incomplete scan a success", async () => {
    const { directory } = damagedRegistry();
    fs.symlinkSync("/etc", path.join(directory, V2, "repositories/team/elsewhere"));
    const file = await saved(directory);
    expect((await regcheck([directory, "--grace", "0", "--baseline", file, "--fail-on-new"])).exitCode).toBe(3);
  });

  test.each(["--fail-on-new", "--update-baseline"])("and %s want a baseline", async (option) => {
    const { exitCode, stderr } = await regcheck([FIXTURE, option]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: `regcheck: ${option} goes with --baseline\n` });
  });
});

describe("--update-baseline", () => {
  test("leaves the file as it is when the scan is incomplete, and tells the cause again", async () => {
    const { directory, spoil } = damagedRegistry();
    const file = path.join(temporaryDirectory(), "known.ndjson");
    const args = [directory, "--grace", "0", "--quiet", "--baseline", file, "--update-baseline", "--fail-on-new"];
    expect((await regcheck(args)).exitCode).toBe(1);
    const known = fs.readFileSync(file, "utf8");
    fs.symlinkSync("/etc", path.join(directory, V2, "repositories/team/elsewhere"));
    spoil("new");
    const { exitCode, stdout } = await regcheck(args);
    expect(exitCode).toBe(3);
    expect(stdout).toMatch(/team\/elsewhere[^]*INCOMPLETE/);
    expect(fs.readFileSync(file, "utf8")).toBe(known);
  });

  test("refuses a place that cannot be written, before any work", async () => {
    const { exitCode, stderr } = await regcheck([FIXTURE, "--baseline", "/no/such/known.ndjson", "--update-baseline"]);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 2,
      stderr: expect.stringMatching(/^regcheck: --baseline \/no\/such\/kn.*\n$/),
    });
  });
});

test.each([
  ["/no/such/file", "no such file or directory"],
  ["/etc", "illegal operation on a directory"],
  [path.join(FIXTURE, "../registry.findings.json"), "it is no report of regcheck"],
])("--baseline refuses %s in one line", async (file, why) => {
  const { exitCode, stdout, stderr } = await regcheck([FIXTURE, "--baseline", file]);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
  expect(stderr).toMatch(
    new RegExp(`^regcheck: --baseline ${file}: .*${why}.*\\. Expected a report of this storage that --format ndjson wrote\\.\n$`),
  );
});
