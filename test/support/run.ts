import { spawn } from "node:child_process";
import path from "node:path";

const ROOT = path.resolve(import.meta.dirname, "../..");

/** The damaged registry that is committed. */
export const FIXTURE = path.join(ROOT, "fixtures/registry");
/** What an installed program loads: few files. Mutants are made in the modules that these are made of. */
const MAIN = path.join(ROOT, process.env["REGCHECK_TEST_MAIN"] ?? "dist/program/main.js");

/** What a run of the program came to. */
export interface Run {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the program as an operator would, with nothing of a registry in its environment but `environment`. */
export function regcheck(args: readonly string[], environment: Readonly<Record<string, string>> = {}, input = ""): Promise<Run> {
  return runCommand(commandOf(args), environment, input);
}

/** The command that the program is run by. */
export function commandOf(args: readonly string[]): [string, ...string[]] {
  return [process.execPath, MAIN, ...args];
}

/** Runs any command that ends in the program's. */
export function runCommand(
  [command, ...args]: readonly [string, ...string[]],
  environment: Readonly<Record<string, string>> = {},
  input = "",
): Promise<Run> {
  const child = spawn(command, args, { env: { PATH: process.env["PATH"], LANG: "C.UTF-8", ...environment } });
  const output = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (output.stderr += text));
  // A program that has refused its arguments does not read its input.
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (exitCode) => resolve({ exitCode, ...output }));
  });
}
