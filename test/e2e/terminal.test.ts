import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { setTimeout } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { BENCHMARK, generateTo } from "../support/generate.js";
import { FIXTURE } from "../support/run.js";
import { temporaryDirectory } from "../support/temporary.js";
import { runProgram } from "./support/programs.js";

const MAIN = path.resolve(import.meta.dirname, "../../dist/cli/main.js");

/** Runs it on a pseudo-terminal of some width (util-linux's `script`): both outputs as a person would see them. */
function onTerminal(columns: number, args: string, environment = ""): Promise<string> {
  const command = `stty cols ${columns} rows 24; env -u CI -u NO_COLOR TERM=xterm ${environment} ${process.execPath} ${MAIN} ${args}`;
  return runProgram("script", ["-qec", command, "/dev/null"]);
}

/** Without the sequences that a terminal acts on. */
function plain(text: string): string {
  // oxlint-disable-next-line no-control-regex -- they are what it is about
  return text.replace(/\u001b\[[0-9;?]*[A-Za-z]/g, "");
}

describe("on a terminal", () => {
  test("there is colour, and progress that leaves nothing behind", async () => {
    const output = await onTerminal(120, `${FIXTURE} --fail-on never`);
    expect(output).toContain("\u001b[31m");
    expect(output).toContain("\u001b[?25l");
    expect(output.lastIndexOf("\u001b[?25h")).toBeGreaterThan(output.lastIndexOf("\u001b[?25l"));
    expect(plain(output)).toMatch(/DAMAGED: \d+ errors/);
  });

  test("NO_COLOR is honoured", async () => {
    const output = await onTerminal(120, `${FIXTURE} --fail-on never 2> /dev/null`, "NO_COLOR=1");
    expect(output).toContain("DAMAGED");
    expect(output).not.toContain("\u001b");
  });

  test.each(["CI=true", "TERM=dumb"])("where a line cannot be replaced (%s) there is no progress", async (environment) => {
    const output = await onTerminal(120, `${FIXTURE} --fail-on never > /dev/null`, environment);
    expect(output).toBe("");
  });

  test.each([40, 80])("no line is longer than %d columns", async (columns) => {
    const output = plain(await onTerminal(columns, `${FIXTURE} --fail-on never 2> /dev/null`));
    const report = output.split(/\r?\n/).filter((line) => line !== "");
    expect(report.length).toBeGreaterThan(50);
    expect(Math.max(...report.map((line) => line.length))).toBeLessThanOrEqual(columns);
  });
});

/** Says when the first reading thread is up. */
const TELL = 'data:text/javascript,process.once("worker",()=>process.stderr.write("reading\\n"))';

describe("signals", () => {
  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("%s ends it with %d and one line", async (signal, exitCode) => {
    const directory = temporaryDirectory();
    generateTo(directory, { ...BENCHMARK, repositories: 1 });
    const child = spawn(process.execPath, ["--import", TELL, MAIN, directory, "--concurrency", "1"], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    const output: string[] = [];
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text: string) => output.push(text));
    while (!output.join("").includes("reading")) await setTimeout(5);
    child.kill(signal);
    const [code] = (await once(child, "close")) as [number | null];
    expect({ code, output: output.join("") }).toEqual({ code: exitCode, output: `reading\nregcheck: stopped by ${signal}\n` });
  });

  test("Ctrl-C on a terminal stops as cleanly, and gives the cursor back", async () => {
    const directory = temporaryDirectory();
    const interrupt = path.join(directory, "interrupt.mjs");
    fs.writeFileSync(interrupt, 'process.once("worker", () => process.kill(process.pid, "SIGINT"));');
    generateTo(directory, { ...BENCHMARK, repositories: 1 });
    const output = await onTerminal(80, `${directory} --concurrency 1; echo status $?`, `NODE_OPTIONS=--import=${interrupt}`);
    expect(plain(output)).toMatch(/regcheck: stopped by SIGINT\r?\nstatus 130/);
    const [hidden, shown] = ["\u001b[?25l", "\u001b[?25h"].map((sequence) => output.lastIndexOf(sequence));
    expect(hidden).toBeGreaterThanOrEqual(0);
    expect(shown).toBeGreaterThan(hidden ?? 0);
  });
});
