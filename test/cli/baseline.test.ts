import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { blobFile, RegistryBuilder, RepositoryBuilder, sha256, V2 } from "../support/builder.js";
import { problemsOf } from "../support/json-schema.js";
import { FIXTURE, regcheck } from "../support/run.js";
import { temporaryDirectory, written } from "../support/temporary.js";

interface Report {
  readonly startedAt: string;
  readonly baseline: { readonly new: number; readonly gone: number };
  readonly findings: readonly { readonly code: string; readonly new?: true }[];
}

const UNNEEDED = sha256("a layer that nothing needs");

/** A registry with a tag whose link is empty, and a layer that nobody needs; and what makes more or less of that. */
function damagedRegistry() {
  const registry = new RegistryBuilder();
  registry.repository("team/app").image({ layers: ["a layer"], tag: "sound" });
  const web = registry.repository("team/web");
  web.push("a layer that nothing needs");
  web.image({ tag: "1" });
  const directory = written(registry.tree);
  const spoil = (tag: string): void => {
    const link = path.join(directory, V2, `repositories/team/app/_manifests/tags/${tag}/current/link`);
    fs.mkdirSync(path.dirname(link), { recursive: true });
    fs.writeFileSync(link, "");
  };
  const clean = (): void => {
    for (const file of [path.dirname(blobFile(UNNEEDED)), `${web.path}/_layers/${RepositoryBuilder.directory(UNNEEDED)}`])
      fs.rmSync(path.join(directory, file), { recursive: true });
  };
  spoil("old");
  return { directory, spoil, clean };
}

async function saved(directory: string, format: string, ...options: readonly string[]): Promise<string> {
  const file = path.join(temporaryDirectory(), `baseline.${format}`);
  await regcheck([directory, "--grace", "0", "--format", format, "--output", file, ...options]);
  return file;
}

function rewritten(text: string): string {
  const file = path.join(temporaryDirectory(), "baseline");
  fs.writeFileSync(file, text);
  return file;
}

describe("--baseline says what is new and how much is gone", () => {
  test.each(["json", "ndjson", "json in one line"])("since a report in %s", async (format) => {
    const { directory, spoil, clean } = damagedRegistry();
    let file = await saved(directory, format.split(" ")[0] ?? "");
    const { startedAt } = JSON.parse(
      (/"startedAt": ?"[^"]+"/.exec(fs.readFileSync(file, "utf8"))?.[0] ?? "").replace(/.*/, "{$&}"),
    ) as Report;
    if (format.endsWith("line")) file = rewritten(`${JSON.stringify(JSON.parse(fs.readFileSync(file, "utf8")))}\n`);
    spoil("new");
    clean();
    const args = [directory, "--grace", "0", "--baseline", file];
    const { exitCode, stdout, stderr } = await regcheck([...args, "--format", "json"]);
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

    const { stdout: text } = await regcheck(args);
    expect(text).toContain("✗ tag-link-invalid (2 errors, 1 new): ");
    expect(text).toContain("\n    team/app:new  (new)\n");
    expect(text).toContain("\n    team/app:old\n");
    const since = `Since ${startedAt.slice(0, 10)} ${startedAt.slice(11, 16)} UTC: 1 new (1 tag-link-invalid), 2 gone (1 `;
    expect(text.split("\n").at(-3)).toContain(since);

    const { stdout: page } = await regcheck([...args, "--format", "html"]);
    expect(page).toContain("<code>team/app:new</code> <em>new</em>");
    expect(page).toContain("<code>team/app:old</code><i>");
    expect(page).toContain(since);
  });

  test("with what is new among the findings that are shown, however many there are", async () => {
    const { directory, spoil } = damagedRegistry();
    for (let i = 0; i < 20; i++) spoil(`a-${i}`);
    const file = await saved(directory, "ndjson");
    spoil("z-new");
    const { stdout } = await regcheck([directory, "--baseline", file]);
    expect(stdout).toContain("(22 errors, 1 new)");
    expect(stdout).toContain("    team/app:z-new  (new)\n");
  });

  test("of the repositories that are reported on", async () => {
    const file = await saved(FIXTURE, "ndjson");
    const args = [FIXTURE, "--grace", "0", "--baseline", file, "--repository", "team/*"];
    expect((await regcheck(args)).stdout).toContain("UTC: 0 new, 0 gone\n");
  });

  test("with a doubt where the earlier run was incomplete", async () => {
    const { directory } = damagedRegistry();
    const file = await saved(directory, "json");
    const incomplete = rewritten(fs.readFileSync(file, "utf8").replace('"complete": true', '"complete": false'));
    const { stdout } = await regcheck([directory, "--baseline", incomplete]);
    expect(stdout).toContain("0 new, 0 gone. That run was incomplete: what is new may be older\n");
  });

  test("of the file that it replaces", async () => {
    const { directory, spoil } = damagedRegistry();
    const file = await saved(directory, "json");
    const args = [directory, "--grace", "0", "--baseline", file, "--format", "json", "--output", file];
    const counts = () => (JSON.parse(fs.readFileSync(file, "utf8")) as Report).baseline.new;
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
    const file = await saved(directory, "json");
    const args = [directory, "--grace", "0", "--quiet", "--baseline", file];
    expect((await regcheck(args)).exitCode).toBe(1);
    expect(await regcheck([...args, "--fail-on-new"])).toEqual({ exitCode: 0, stdout: "", stderr: "" });
    fs.rmSync(path.join(directory, V2, "repositories/team/web/_manifests/tags/1/current/link"));
    expect((await regcheck([...args, "--fail-on-new"])).exitCode).toBe(0);
    expect((await regcheck([...args, "--fail-on-new", "--fail-on", "warning"])).exitCode).toBe(1);
    spoil("new");
    const { exitCode, stdout } = await regcheck([...args, "--fail-on-new"]);
    expect(exitCode).toBe(1);
    expect(stdout).toContain("team/app:new  (new)");
    expect((await regcheck([...args, "--fail-on-new", "--fail-on", "never"])).exitCode).toBe(0);
    expect((await regcheck([...args, "--fail-on-new", "--dry-run"])).exitCode).toBe(1);
  });

  test("does not make an incomplete scan a success", async () => {
    const { directory } = damagedRegistry();
    fs.symlinkSync("/etc", path.join(directory, V2, "repositories/team/elsewhere"));
    const file = await saved(directory, "json");
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
  ["/no/such/file", "ENOENT"],
  ["/etc", "EISDIR"],
  [path.join(FIXTURE, "../registry.findings.json"), "it is no report of regcheck"],
])("--baseline refuses %s in one line", async (file, why) => {
  const { exitCode, stdout, stderr } = await regcheck([FIXTURE, "--baseline", file]);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
  expect(stderr).toMatch(
    new RegExp(
      `^regcheck: --baseline ${file}: .*${why}.*\\. Expected a report of this storage that --format json or ndjson wrote\\.\n$`,
    ),
  );
});
