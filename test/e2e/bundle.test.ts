import { execFile, execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RegistryBuilder } from "../support/builder.js";
import { buildFixture } from "../support/fixture.js";
import { entriesOf, inventoryFiles } from "../support/inventory.js";
import { FIXTURE } from "../support/run.js";
import { CREDENTIALS, startedServer, store } from "../support/s3-bucket.js";
import { temporaryDirectory, written } from "../support/temporary.js";
import { findProgram } from "./support/programs.js";

const run = promisify(execFile);
const ROOT = path.resolve(import.meta.dirname, "../..");
const KEYS = { AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId, AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey };

/** Where the bundle was copied to: nothing of regcheck is above it. */
let directory: string;
let program: string;

beforeAll(() => {
  execFileSync("npm", ["run", "--silent", "bundle"], { cwd: ROOT });
  directory = fs.mkdtempSync(path.join(os.tmpdir(), "regcheck-e2e-bundle-"));
  fs.chmodSync(directory, 0o755);
  fs.cpSync(path.join(ROOT, "dist/bundle"), directory, { recursive: true });
  program = path.join(directory, "regcheck.mjs");
});

afterAll(() => fs.rmSync(directory, { recursive: true, force: true }));

async function regcheck(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const options = { cwd: "/", env: { PATH: process.env["PATH"], ...environment } };
  const { stdout, stderr } = await run(program, [...args], options);
  return { stdout, stderr };
}

/** What a report says, but for when it was made and how long that took. */
function withoutTimes(json: string): unknown {
  const { startedAt: _started, finishedAt: _finished, ...rest } = JSON.parse(json) as Record<string, unknown>;
  return rest;
}

describe("the bundle, copied to another folder", () => {
  test("is the program: a file, and one more for buckets", () => {
    expect(fs.readdirSync(directory).sort()).toEqual(["regcheck-s3.mjs", "regcheck.mjs"]);
  });

  test("checks a directory, with threads, as the program that is built does", async () => {
    const args = [FIXTURE, "--fail-on", "never", "--format", "json"];
    const { stdout, stderr } = await regcheck(args);
    expect(stderr).toBe("");
    const built = await run(process.execPath, [path.join(ROOT, "dist/cli/main.js"), ...args]);
    expect(withoutTimes(stdout)).toEqual(withoutTimes(built.stdout));
  });

  test.each(["html", "prometheus", "csv", "ndjson", "text"])("has the format %s", async (format) => {
    const { stdout } = await regcheck([FIXTURE, "--fail-on", "never", "--format", format]);
    expect(stdout.length).toBeGreaterThan(1000);
  });

  test("reads a config, and knows its version", async () => {
    const config = path.join(directory, "../regcheck-e2e-bundle-config.yml");
    fs.writeFileSync(config, `version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: ${FIXTURE}\n`);
    const { stdout } = await regcheck(["--config", config, "--fail-on", "never"]).finally(() => fs.rmSync(config));
    expect(stdout).toContain("15 repositories");
    const { version } = JSON.parse(fs.readFileSync(path.join(ROOT, "package.json"), "utf8")) as { version: string };
    expect((await regcheck(["--version"])).stdout).toBe(`${version}\n`);
  });

  test("checks a bucket, whose errors keep their exit codes", async () => {
    const server = await startedServer();
    store(server, buildFixture(), "md5");
    const bucket = ["s3://b", "--endpoint", server.endpoint];
    expect((await regcheck([...bucket, "--fail-on", "never"], KEYS)).stdout).toContain("s3://b (s3) on ");
    await expect(regcheck(["s3://other", "--endpoint", server.endpoint], KEYS)).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining("there is no such bucket") as string,
    });
  });

  test("reads an inventory, and a bucket's manifests in parts", async () => {
    const server = await startedServer({ buckets: ["b", "inv"] });
    store(server, buildFixture(), "md5");
    for (const [key, content] of inventoryFiles(entriesOf(buildFixture()))) server.put("inv", key, content);
    const bucket = ["s3://b", "--endpoint", server.endpoint];
    const inventory = ["--inventory", "s3://inv/inventories/b/weekly", "--inventory-age", "99999d", "--fail-on", "never"];
    expect((await regcheck([...bucket, ...inventory], KEYS)).stdout).toContain("15 repositories");
    const cache = ["--cache", temporaryDirectory()];
    expect((await regcheck(["manifests", ...bucket, ...cache, "--part", "0/1"], KEYS)).stdout).toContain(
      "part 0/1: 14 repositories, ",
    );
    expect((await regcheck(["manifests", ...bucket, ...cache, "--merge"], KEYS)).stdout).toContain("1 part, ");
  });

  test("without its second file says what a bucket needs", async () => {
    const alone = fs.mkdtempSync(path.join(os.tmpdir(), "regcheck-e2e-alone-"));
    fs.copyFileSync(program, path.join(alone, "regcheck.mjs"));
    const failed = run(process.execPath, [path.join(alone, "regcheck.mjs"), "s3://b"], {
      env: { PATH: process.env["PATH"], ...KEYS },
    });
    await expect(failed).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringMatching(
        /^regcheck: regcheck-s3\.mjs, which a bucket needs beside regcheck\.mjs, cannot be loaded: /,
      ) as string,
    });
    fs.rmSync(alone, { recursive: true });
  });

  test("sweeps as the image does: as the registry's user, with a root that is read-only but for the storage and the journals", async () => {
    const registry = new RegistryBuilder();
    registry.repository("team/app").image({ tag: "1" });
    registry.repository("team/app").push("a layer that no image uses");
    const [storage, journals] = [written(registry.tree), temporaryDirectory()];
    const script = [
      'mount --make-rprivate / && mount --bind "$4" "$4" && mount --bind "$5" "$5" && chown -R "$1:$1" "$4" "$5"',
      "mount -o remount,bind,ro / && if touch /written 2>/dev/null; then exit 99; fi",
      'exec env -i PATH="$PATH" setpriv --reuid "$1" --regid "$1" --clear-groups --no-new-privs "$2" "$3" "$4" --journal-dir "$5" "${@:6}"',
    ].join("\n");
    const as = (...args: readonly string[]) => {
      const all = ["--mount", "bash", "-c", script, "image", "1000", process.execPath, program, storage, journals, ...args];
      return run(findProgram("unshare"), all, { cwd: "/" });
    };
    const swept = await as("--sweep", "--quarantine", "--registry-stopped");
    expect(swept.stderr).toBe("");
    expect(swept.stdout).toContain("Moved to the quarantine: 26 B in 1 blob");
    expect(fs.readdirSync(journals)).toHaveLength(1);
  });

  test("runs as the image does: an unknown user, no HOME, a root that is read-only", async () => {
    const dockerfile = fs.readFileSync(path.join(ROOT, "docs/examples/Dockerfile"), "utf8");
    const user = /^USER (\d+):\1$/m.exec(dockerfile)?.[1] ?? "";
    const script = [
      "mount --make-rprivate / && mount -o remount,bind,ro /",
      "if touch /tmp/written 2>/dev/null; then echo the root can be written to >&2; exit 99; fi",
      'exec env -i PATH="$PATH" setpriv --reuid "$1" --regid "$1" --clear-groups --no-new-privs "$2" "$3" "$4" --fail-on never',
    ].join("\n");
    const args = ["--mount", "bash", "-c", script, "image", user, process.execPath, program, FIXTURE];
    const { stdout, stderr } = await run(findProgram("unshare"), args, { cwd: "/" });
    expect(stderr).toBe("");
    expect(stdout).toContain("DAMAGED");
  });
});
