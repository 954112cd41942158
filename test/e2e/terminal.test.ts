import { spawn } from "node:child_process";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { FIXTURE } from "../support/run.js";
import { findProgram, runProgram } from "./support/programs.js";

const MAIN = path.resolve(import.meta.dirname, "../../dist/cli/main.js");

/** Runs it on a pseudo-terminal of some width (util-linux's `script`): both outputs as a person would see them. */
function onTerminal(columns: number, args: string, environment = ""): Promise<string> {
  const command = `stty cols ${columns} rows 24; ${environment} ${process.execPath} ${MAIN} ${args}`;
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
    expect(await onTerminal(120, `${FIXTURE} --fail-on never --quiet`, "NO_COLOR=1")).not.toContain("\u001b[3");
  });

  test.each([40, 80])("no line is longer than %d columns", async (columns) => {
    const output = plain(await onTerminal(columns, `${FIXTURE} --fail-on never --quiet`));
    const report = output.split(/\r?\n/).filter((line) => line !== "");
    expect(report.length).toBeGreaterThan(50);
    expect(Math.max(...report.map((line) => line.length))).toBeLessThanOrEqual(columns);
  });
});

describe("signals", () => {
  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("%s ends it with %d and one line", async (signal, exitCode) => {
    // A pipe for the config keeps it waiting until the signal comes.
    const child = spawn("bash", ["-c", `exec ${process.execPath} ${MAIN} ${FIXTURE} --output >(sleep 5; cat > /dev/null) 2>&1`]);
    const output: string[] = [];
    child.stdout.setEncoding("utf8").on("data", (text: string) => output.push(text));
    const timer = setInterval(() => child.kill(signal), 120);
    const code = await new Promise((resolve) => child.on("exit", resolve));
    clearInterval(timer);
    expect([exitCode, 0, 1]).toContain(code);
    expect(output.join("")).not.toContain("at ");
  });
});

test("the programs that these tests need are here", () => {
  expect(findProgram("script")).toContain("script");
});
