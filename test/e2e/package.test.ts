import { execFile } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { FIXTURE } from "../support/run.js";
import { temporaryDirectory } from "../support/temporary.js";

const run = promisify(execFile);
const ROOT = path.resolve(import.meta.dirname, "../..");

test("what npm pack makes installs into an empty folder and runs there with npx", async () => {
  const directory = temporaryDirectory();
  const packed = await run("npm", ["pack", "--json", "--pack-destination", directory], { cwd: ROOT });
  const [{ filename, files }] = JSON.parse(packed.stdout.slice(packed.stdout.indexOf("["))) as [
    { filename: string; files: { path: string }[] },
  ];
  const names = files.map((file) => file.path);
  expect(names).toContain("src/report/report.schema.json");
  expect(names).toContain("src/report/ndjson.schema.json");
  expect(names.filter((name) => /^(test|fixtures|\.ci)\//.test(name))).toEqual([]);
  await run("npm", ["init", "--yes"], { cwd: directory });
  await run("npm", ["install", "--no-audit", "--no-fund", path.join(directory, filename)], { cwd: directory });
  const { stdout } = await run("npx", ["regcheck", FIXTURE, "--fail-on", "never", "--format", "json"], { cwd: directory });
  expect(JSON.parse(stdout)).toMatchObject({ tool: { name: "regcheck" }, complete: true });
  expect(fs.existsSync(path.join(directory, "node_modules/regcheck/src/report/report.schema.json"))).toBe(true);
});
