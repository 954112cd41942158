import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { outputsOf } from "#regcheck/cli/outputs.js";
import { FIXTURE, regcheck } from "../support/run.js";
import { temporaryDirectory } from "../support/temporary.js";

const BEGINNINGS: Readonly<Record<string, RegExp>> = {
  "report.txt": /^\/.*\(filesystem\) on prod-1, read in/,
  "report.json": /^\{\n {2}"schemaVersion": "1\.0",\n {2}"tool": [^]*?"name": "prod-1"/,
  "report.ndjson": /^\{"type":"report".*"name":"prod-1"/,
  "report.csv": /^code,.*,name\r\n[^]*,prod-1\r\n/,
  "report.HTML": /^<!doctype html>[^]*on prod-1 \(regcheck\)/,
  "regcheck.prom": /^# HELP [^]*regcheck_build_info\{storage="[^"]*",registry="prod-1",version="[^"]*",name="prod-1"\}/,
};

describe("one scan, several reports", () => {
  test("each file has the format of its ending, and the registry's name", async () => {
    const directory = temporaryDirectory();
    const files = Object.keys(BEGINNINGS).map((name) => path.join(directory, name));
    const outputs = files.flatMap((file) => ["--output", file]);
    const { exitCode, stdout, stderr } = await regcheck([FIXTURE, "--name", "prod-1", ...outputs]);
    expect({ exitCode, stdout, stderr }).toEqual({ exitCode: 1, stdout: "", stderr: "" });
    expect(fs.readdirSync(directory).sort()).toEqual(Object.keys(BEGINNINGS).sort());
    for (const file of files) expect(fs.readFileSync(file, "utf8")).toMatch(BEGINNINGS[path.basename(file)] ?? /^never$/);
  });

  test("--format prints one more", async () => {
    const file = path.join(temporaryDirectory(), "report.json");
    const { stdout } = await regcheck([FIXTURE, "--output", file, "--format", "text"]);
    expect(stdout).toMatch(/DAMAGED.*\n$/);
    expect(JSON.parse(fs.readFileSync(file, "utf8"))).toMatchObject({ name: os.hostname() });
  });

  test.each<[Parameters<typeof outputsOf>[0], ReturnType<typeof outputsOf>]>([
    [{}, { files: [], stdout: "text" }],
    [{ format: "json" }, { files: [], stdout: "json" }],
    [{ output: ["a.html"] }, { files: [{ path: "a.html", format: "html" }], stdout: undefined }],
    [
      { output: ["a.html"], format: "html" },
      { files: [{ path: "a.html", format: "html" }], stdout: undefined },
    ],
    [
      { output: ["a.html"], format: "text" },
      { files: [{ path: "a.html", format: "html" }], stdout: "text" },
    ],
    [
      { output: ["/dev/fd/3"], format: "csv" },
      { files: [{ path: "/dev/fd/3", format: "csv" }], stdout: undefined },
    ],
  ])("%j", (args, outputs) => {
    expect(outputsOf(args)).toEqual(outputs);
  });

  test.each([
    [
      ["--output", "report.xml"],
      "--output report.xml: its name does not end in one of .txt, .json, .ndjson, .csv, .html, .prom: give --format",
    ],
    [["--output", "a.json", "--output", "./a.json"], "--output ./a.json is given twice: give it once"],
    [["--output", "/no/such/folder/a.json"], "--output /no/such/folder/a.json: "],
    [
      ["--dry-run", "--output", "a.ndjson", "--plan-output", "./a.ndjson"],
      "--plan-output ./a.ndjson: --output names it too, and one would replace the other",
    ],
    [
      ["--update-baseline", "--output", "a.ndjson", "--baseline", "./a.ndjson"],
      "--baseline ./a.ndjson: --output names it too, and one would replace the other",
    ],
    [
      ["--dry-run", "--baseline", "a.ndjson", "--plan-output", "./a.ndjson"],
      "--baseline a.ndjson: --plan-output names it too, and one would replace the other",
    ],
    [
      ["--dry-run", "--update-baseline", "--baseline", "a.ndjson", "--plan-output", "./a.ndjson"],
      "--baseline a.ndjson: --plan-output names it too, and one would replace the other",
    ],
  ])("%j is refused before anything is read", async (args, message) => {
    const { exitCode, stdout, stderr } = await regcheck([FIXTURE, ...args]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(stderr).toContain(message);
  });

  test("by a symbolic link, too", async () => {
    const directory = temporaryDirectory();
    const [report, link] = [`${directory}/report.txt`, `${directory}/link`];
    fs.symlinkSync("report.txt", link);
    const { exitCode, stderr } = await regcheck([FIXTURE, "--dry-run", "--output", report, "--plan-output", link]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(`--plan-output ${link}: --output names it too`);
    expect(fs.existsSync(report)).toBe(false);
  });
});
