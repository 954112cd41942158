import { execFile, execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { FIXTURE } from "../support/run.js";
import { temporaryDirectory } from "../support/temporary.js";
import { findProgram } from "./support/programs.js";

const run = promisify(execFile);
const ROOT = path.resolve(import.meta.dirname, "../..");

/** What git has of this work tree, and nothing else: no packages, nothing built. */
function freshClone(): string {
  const directory = path.join(temporaryDirectory(), "clone");
  const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "-z"], {
    cwd: ROOT,
    encoding: "utf8",
  });
  for (const file of files.split("\0").filter((name) => name !== "" && fs.existsSync(path.join(ROOT, name)))) {
    fs.mkdirSync(path.dirname(path.join(directory, file)), { recursive: true });
    fs.copyFileSync(path.join(ROOT, file), path.join(directory, file));
  }
  return directory;
}

const CHECK = [FIXTURE, "--fail-on", "never", "--format", "json"];

describe("installing", () => {
  test("what npm pack makes of a fresh clone installs into an empty folder and runs there", async () => {
    const directory = temporaryDirectory();
    const packed = await run("npm", ["pack", "--json", "--pack-destination", directory], { cwd: freshClone() });
    const [{ filename, files }] = JSON.parse(packed.stdout.slice(packed.stdout.indexOf("["))) as [
      { filename: string; files: { path: string }[] },
    ];
    const names = files.map((file) => file.path);
    expect(names).toEqual(expect.arrayContaining(["dist/cli/main.js", "src/report/report.schema.json", "npm-shrinkwrap.json"]));
    expect(names.filter((name) => /^(test|fixtures|\.ci)\/|\.d\.ts$/.test(name))).toEqual([]);
    await run("npm", ["init", "--yes"], { cwd: directory });
    await run("npm", ["install", "--no-audit", "--no-fund", path.join(directory, filename)], { cwd: directory });
    const { stdout } = await run("npx", ["regcheck", ...CHECK], { cwd: directory });
    expect(JSON.parse(stdout)).toMatchObject({ tool: { name: "regcheck" }, complete: true });
    const manifest = JSON.parse(fs.readFileSync(path.join(ROOT, "package.json"), "utf8")) as {
      dependencies: Record<string, string>;
    };
    const sdk = path.join(directory, "node_modules/@aws-sdk/client-s3/package.json");
    expect(JSON.parse(fs.readFileSync(sdk, "utf8"))).toMatchObject({ version: manifest.dependencies["@aws-sdk/client-s3"] });
  });

  test("a clone that is not built becomes a command by npm install --global ., and stays one when it is built again", async () => {
    const clone = freshClone();
    const prefix = temporaryDirectory();
    await run("npm", ["install", "--global", "--prefix", prefix, "."], { cwd: clone });
    const command = path.join(prefix, "bin/regcheck");
    expect(JSON.parse((await run(command, CHECK)).stdout)).toMatchObject({ complete: true });
    await run("npm", ["start"], { cwd: clone });
    expect(JSON.parse((await run(command, CHECK)).stdout)).toMatchObject({ complete: true });
  });
});

/** Where `.ci/run` puts old versions of Node. */
const CACHE = path.join(process.env["XDG_CACHE_HOME"] ?? path.join(process.env["HOME"] ?? "/root", ".cache"), "regcheck-ci");

test.each(["12", "18"])("Node %s is told what is needed", async (version) => {
  const node = path.join(process.env["REGCHECK_CI_CACHE"] ?? CACHE, `node-${version}/node_modules/node/bin/node`);
  const failed = run(node, [path.join(ROOT, "bin/regcheck.cjs"), "--version"]);
  await expect(failed).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringMatching(
      new RegExp(`^regcheck needs Node 20.19 or newer, and this is Node ${version}\\.[^\\n]*\\n$`),
    ) as string,
  });
});

describe("a user id that is in no list, and no HOME, as in a container", () => {
  const asNobody = (...args: string[]) =>
    run(findProgram("setpriv"), ["--reuid", "4242", "--regid", "4242", "--clear-groups", process.execPath, ...args], {
      env: { PATH: process.env["PATH"] },
    });

  test.each([
    ["a check", CHECK, 0],
    ["the runs, of which there are none", ["restore", "--storage", FIXTURE], 2],
    ["a sweep, which has nowhere to write its journal", [FIXTURE, "--sweep", "--registry-stopped", "--max-delete", "100%"], 4],
    ["a bucket out of reach", ["s3://bucket", "--endpoint", "http://127.0.0.1:1"], 2],
  ])("%s", async (_, args, exitCode) => {
    const done = await asNobody(path.join(ROOT, "bin/regcheck.cjs"), ...args).catch(
      (error: unknown) => error as { code: number },
    );
    expect("code" in done ? done.code : 0).toBe(exitCode);
    expect(JSON.stringify(done)).not.toMatch(/homedir|bug in regcheck/);
  });
});
