import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { RegistryBuilder } from "../support/builder.js";
import { FIXTURE, regcheck } from "../support/run.js";
import { garbageRegistry } from "../support/sweeping.js";
import { sweepEverything } from "../support/system-calls.js";
import { temporaryDirectory, written } from "../support/temporary.js";

const MAIN = path.resolve(import.meta.dirname, "../../dist/cli/main.js");

/** Runs a line of bash in which `regcheck` is the program. */
function bash(line: string): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  const script = `regcheck() { "${process.execPath}" "${MAIN}" "$@"; }; ${line}`;
  return spawnSync("bash", ["-c", script], { encoding: "utf8", maxBuffer: 1e8, timeout: 60_000, killSignal: "SIGKILL" });
}

/** A storage whose report has more than a pipe holds (64 kB). */
function chattyRegistry(): string {
  const registry = new RegistryBuilder();
  for (let i = 0; i < 1000; i++) registry.blob(`blob ${i}`);
  registry.repository("team/app").image({ tag: "1" });
  return written(registry.tree);
}

describe("stdout", () => {
  test.each([[FIXTURE], ["untag a:b --dry-run --storage STORAGE"], ["codes"]])(
    "full: an error of one line, and not the exit code of findings: %s",
    (args) => {
      const registry = new RegistryBuilder();
      registry.repository("a").image({ tag: "b" });
      const { status, stderr } = bash(`regcheck ${args.replace("STORAGE", written(registry.tree))} >/dev/full`);
      expect({ status, stderr }).toEqual({
        status: 2,
        stderr: "regcheck: writing to stdout failed: ENOSPC: no space left on device, write\n",
      });
    },
  );

  test("a file on a disk that has room for a part: the same", () => {
    const file = path.join(temporaryDirectory(), "report");
    const { status, stderr } = bash(`ulimit -f 1; regcheck ${FIXTURE} --format json >${file}`);
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: "regcheck: writing to stdout failed: EFBIG: file too large, write\n",
    });
  });

  test.each([
    ["full", ">/dev/full", 2, "regcheck: writing to stdout failed: ENOSPC: no space left on device, write\n"],
    [
      "a file on a disk that has room for a part",
      ">$(mktemp -p DIRECTORY)",
      2,
      "regcheck: writing to stdout failed: EFBIG: file too large, write\n",
    ],
    ["closed by its reader", "| true", 1, ""],
  ])("%s: what is new was not told, so the baseline stays as it is", (_, where, status, says) => {
    const directory = temporaryDirectory();
    const known = path.join(directory, "known.ndjson");
    const args = `${FIXTURE} --grace 0 --format html --fail-on-new --baseline ${known} --update-baseline`;
    const done = bash(`ulimit -f 40; regcheck ${args} ${where.replace("DIRECTORY", directory)}; exit "\${PIPESTATUS[0]}"`);
    expect(done.status).toBe(status);
    expect(done.stderr).toContain(`regcheck: ${known} stays as it is: what is new could not be told on stdout\n`);
    expect(done.stderr).toContain(says);
    expect(fs.existsSync(known)).toBe(false);
  });

  test("full: what a sweep has removed is said on stderr", () => {
    const sweep = sweepEverything(written(garbageRegistry(1)), temporaryDirectory()).join(" ");
    const { status, stderr } = bash(`regcheck ${sweep} >/dev/full`);
    expect(status).toBe(2);
    expect(stderr).toMatch(/^Removed: /m);
  });

  test("full: what an untag has removed, and what a restore has put back, is said on stderr", () => {
    const registry = new RegistryBuilder();
    registry.repository("a").image({ tag: "b" });
    const [storage, journal] = [written(registry.tree), temporaryDirectory()];
    const options = `--registry-stopped --journal-dir ${journal}`;
    const untagged = bash(`regcheck untag a:b --quarantine --storage ${storage} ${options} >/dev/full`);
    expect(untagged.status).toBe(2);
    expect(untagged.stderr).toContain("a:b is removed");
    const run = /regcheck restore (\S+)/.exec(untagged.stderr)?.[1] ?? "";
    const restored = bash(`regcheck restore ${run} ${options} >/dev/full`);
    expect(restored.status).toBe(2);
    expect(restored.stderr).toMatch(/^\d+ objects? restored/m);
  });

  test("slow: all comes, and nothing is said of listeners", () => {
    const { stdout, stderr } = bash(`regcheck ${chattyRegistry()} --grace 0 --format json | (sleep 0.5; cat)`);
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toMatchObject({ exitCode: 0 });
  });

  test("closed by its reader: the exit code is that of the findings", () => {
    const { stdout, stderr } = bash(`regcheck ${FIXTURE} --format json | head -1; echo "\${PIPESTATUS[0]}"`);
    expect({ stdout, stderr }).toEqual({ stdout: "{\n1\n", stderr: "" });
  });
});

test("stderr that is full leaves the exit code as it is", () => {
  expect(bash("regcheck /no/such/place 2>/dev/full").status).toBe(2);
  expect(bash(`regcheck ${FIXTURE} --verify=1/1 >/dev/null 2>/dev/full`).status).toBe(1);
});

describe("--output", () => {
  test.each([
    ["--output", [] as string[]],
    ["--plan-output", ["--dry-run", "--registry-stopped"]],
  ])("%s to a place that cannot be is refused before the storage is read, by the name that was given", async (option, more) => {
    const directory = temporaryDirectory();
    const missing = path.join(directory, "missing/report");
    const pipe = path.join(directory, "pipe");
    execFileSync("mkfifo", [pipe]);
    for (const [file, cause] of [
      [missing, "no such file or directory"],
      [directory, "it is a directory: expected a file"],
      [pipe, "it is a pipe: leave the option out, and pipe what is printed"],
    ] as const) {
      const { exitCode, stdout, stderr } = await regcheck(["/no/such/storage", ...more, option, file]);
      expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
      expect(stderr).toMatch(`regcheck: ${option} ${file}: ${cause}`);
      expect(stderr).not.toContain(".tmp");
    }
  });

  test.each(["there", "yet to be made"])(
    "through a symbolic link goes to what it leads to, which is %s; the link stays",
    async (which) => {
      const directory = temporaryDirectory();
      const target = path.join(directory, "target");
      if (which === "there") fs.writeFileSync(target, "old");
      const link = path.join(temporaryDirectory(), "link");
      fs.symlinkSync(path.relative(path.dirname(link), path.join(directory, "second")), link);
      fs.symlinkSync("target", path.join(directory, "second"));
      const { exitCode } = await regcheck([FIXTURE, "--output", link]);
      expect(exitCode).toBe(1);
      for (const name of [link, path.join(directory, "second")]) expect(fs.lstatSync(name).isSymbolicLink()).toBe(true);
      expect(fs.readFileSync(target, "utf8")).toContain("DAMAGED");
      expect(fs.readdirSync(directory).sort()).toEqual(["second", "target"]);
    },
  );

  test("through a symbolic link to a directory that is not there is refused before the storage is read", async () => {
    const link = path.join(temporaryDirectory(), "link");
    fs.symlinkSync("missing/report", link);
    const { exitCode, stderr } = await regcheck(["/no/such/storage", "--output", link]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: expect.stringContaining(`--output ${link}: no such file`) });
  });

  test("to what is open already is written there, not put in its place", () => {
    const directory = temporaryDirectory();
    const stdout = path.join(directory, "stdout");
    fs.writeFileSync(stdout, "before\n");
    // A link of the test's own: where the program is wrong, /dev/stdout would be gone.
    const link = path.join(directory, "link");
    fs.symlinkSync("/proc/self/fd/1", link);
    bash(`regcheck ${FIXTURE} --output ${link} >> ${stdout}`);
    expect(fs.lstatSync(link).isSymbolicLink()).toBe(true);
    expect(fs.readFileSync(stdout, "utf8")).toMatch(/^before\n(?:.*\n)*.*DAMAGED/);
  });

  test("to the file of the plan is refused: one would replace the other", async () => {
    const file = path.join(temporaryDirectory(), "plan.ndjson");
    const { exitCode, stderr } = await regcheck(["/no/such/storage", "--dry-run", "--plan-output", file, "--output", file]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: expect.stringContaining("one would replace the other") });
  });

  test("keeps the mode of a file that is there", async () => {
    const file = path.join(temporaryDirectory(), "report");
    fs.writeFileSync(file, "");
    fs.chmodSync(file, 0o604);
    await regcheck([FIXTURE, "--output", file]);
    expect(fs.statSync(file).mode & 0o7777).toBe(0o604);
    expect(fs.readFileSync(file, "utf8")).toContain("DAMAGED");
  });
});
