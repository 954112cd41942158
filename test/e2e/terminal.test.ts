import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { BENCHMARK, generateTo } from "../support/generate.js";
import { FIXTURE, regcheck } from "../support/run.js";
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

  test.each([40, 80])("only what is to be copied whole is longer than %d columns", async (columns) => {
    const output = plain(await onTerminal(columns, `${FIXTURE} --fail-on never 2> /dev/null`));
    const report = output.split(/\r?\n/).filter((line) => line !== "");
    expect(report.length).toBeGreaterThan(50);
    // A digest, a path or a command.
    const wider = report.filter((line) => line.length > columns);
    expect(wider.filter((line) => !/^ +(?:\S+$|regcheck )/.test(line))).toEqual([]);
  });

  test("a terminal that does not know its columns gets lines as a pipe does", async () => {
    const args = [FIXTURE, "--fail-on", "never", "--grace", "0"];
    const output = plain(await onTerminal(0, `${args.join(" ")} 2> /dev/null`));
    const longest = (text: string) => Math.max(...text.split(/\r?\n/).map((line) => line.length));
    expect(longest(output)).toBe(longest((await regcheck(args)).stdout));
  });
});

/** Enough to read for a check to be still at it when it hears of a signal. */
const SEVERAL = { ...BENCHMARK, repositories: 5 };

/** The options of a Node whose program is sent a signal when it lists tags for the first time. */
function signalledWhileReading(signal: NodeJS.Signals): string {
  const preload = path.join(temporaryDirectory(), "signal.mjs");
  fs.writeFileSync(
    preload,
    `import fs from "node:fs";
    const list = fs.readdirSync;
    fs.readdirSync = (directory, ...rest) => {
      if (String(directory).endsWith("/_manifests/tags")) {
        fs.readdirSync = list;
        process.kill(process.pid, "${signal}");
      }
      return list(directory, ...rest);
    };`,
  );
  return `--import=${preload}`;
}

describe("signals", () => {
  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("%s ends it with %d and one line", async (signal, exitCode) => {
    const directory = temporaryDirectory();
    generateTo(directory, SEVERAL);
    const run = await regcheck([directory, "--concurrency", "1"], { NODE_OPTIONS: signalledWhileReading(signal) });
    expect(run).toMatchObject({ exitCode, stdout: "", stderr: `regcheck: stopped by ${signal}\n` });
  });

  test("Ctrl-C on a terminal stops as cleanly, and gives the cursor back", async () => {
    const directory = temporaryDirectory();
    generateTo(directory, SEVERAL);
    const output = await onTerminal(
      80,
      `${directory} --concurrency 1; echo status $?`,
      `NODE_OPTIONS=${signalledWhileReading("SIGINT")}`,
    );
    expect(plain(output)).toMatch(/regcheck: stopped by SIGINT\r?\nstatus 130/);
    const [hidden, shown] = ["\u001b[?25l", "\u001b[?25h"].map((sequence) => output.lastIndexOf(sequence));
    expect(hidden).toBeGreaterThanOrEqual(0);
    expect(shown).toBeGreaterThan(hidden ?? 0);
  });
});
