import { execFile } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";

/** Where `.ci/run` puts what Debian does not have. */
const CACHE = path.join(process.env["XDG_CACHE_HOME"] ?? path.join(os.homedir(), ".cache"), "regcheck-ci/bin");

/** Finds a program, or fails with what to do: an end-to-end test without its server is no test. */
export function findProgram(name: string): string {
  const directories = [CACHE, ...(process.env["PATH"] ?? "").split(":")];
  const found = directories.map((directory) => path.join(directory, name)).find((file) => fs.existsSync(file));
  if (found === undefined)
    throw new Error(`${name} is not installed: run .ci/run once, which installs all that the end-to-end tests need`);
  return found;
}

const run = promisify(execFile);

/** Runs a program to its end; both outputs together. Throws with its output when it fails. */
export async function runProgram(name: string, args: readonly string[]): Promise<string> {
  const { stdout, stderr } = await run(findProgram(name), [...args], { encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
  return stdout + stderr;
}
