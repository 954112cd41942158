import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { MUTANTS } from "./mutants.js";
import type { Mutant } from "./mutants.js";

/**
 * Makes each of the mutants in a copy of the program and runs its tests: all must fail. `npm run test:mutants`, with a part of a file's name
 * for those of some files. A mutant that survives is a rule that no test watches over. As many run at a time as there are processors, each
 * in a copy of its own.
 */
const ROOT = process.cwd();
const COPIES = path.join(ROOT, ".cache/mutants");
/** Milliseconds that the tests of all mutants may take without any: they are far quicker, and a machine may be slow. */
const TIMEOUT = 1_200_000;
/**
 * A mutant may never come to an end: its tests fail when they take so many times as long as those of all mutants take without any, and no
 * less than so many milliseconds. A machine that is slow is so without a mutant, too: it kills none.
 */
const MUCH_LONGER = 3;
const SHORTEST = 120_000;

function copyProgram(lane: number): string {
  const copy = path.join(COPIES, String(lane));
  fs.mkdirSync(copy, { recursive: true });
  for (const part of ["package.json", "tsconfig.json", "dist", "test", "fixtures"])
    fs.cpSync(path.join(ROOT, part), path.join(copy, part), { recursive: true });
  fs.symlinkSync(fs.realpathSync(path.join(ROOT, "node_modules")), path.join(copy, "node_modules"));
  return copy;
}

/** How a run of tests went. */
interface Tried {
  readonly pass: boolean;
  readonly output: string;
  /** Milliseconds. */
  readonly took: number;
}

/** Runs the tests in a copy, which fail after `timeout` milliseconds. */
async function run(copy: string, tests: readonly string[], timeout: number): Promise<Tried> {
  const vitest = path.join(ROOT, "node_modules/vitest/vitest.mjs");
  const files = tests.map((name) => `test/${name}.test.ts`);
  const args = [
    vitest,
    "run",
    "--config",
    "test/vitest.config.ts",
    "--project",
    "unit",
    "--project",
    "faults",
    "--bail",
    "1",
    ...files,
  ];
  const began = performance.now();
  const child = spawn(process.execPath, args, {
    cwd: copy,
    env: { ...process.env, REGCHECK_TEST_MAIN: "dist/cli/main.js" },
    stdio: ["ignore", "pipe", "pipe"],
    timeout,
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  const status = await new Promise<number | null>((resolve, reject) => child.once("error", reject).once("close", resolve));
  return { pass: status === 0, output, took: performance.now() - began };
}

/** A copy's module as it was built, of which the mutant changes what stands there once. */
function builtText(copy: string, { file, search }: Mutant): string {
  const text = fs.readFileSync(path.join(copy, "dist", `${file}.js`), "utf8");
  if (text.split(search).length !== 2) throw new Error(`${file}: expected once: ${search}`);
  return text;
}

/** Whether the tests pass with the mutant. The copy is as before when this ends. */
async function survives(mutant: Mutant, copy: string, timeout: number): Promise<boolean> {
  const { file, search, replace, tests } = mutant;
  const text = builtText(copy, mutant);
  const built = path.join(copy, "dist", `${file}.js`);
  fs.writeFileSync(
    built,
    text.replace(search, () => replace),
  );
  try {
    return (await run(copy, tests, timeout)).pass;
  } finally {
    fs.writeFileSync(built, text);
  }
}

const [wanted = ""] = process.argv.slice(2);
const mutants = MUTANTS.filter(({ file }) => file.includes(wanted));
fs.rmSync(COPIES, { recursive: true, force: true });
const [first = "", ...others] = Array.from({ length: os.availableParallelism() }, (_, lane) => copyProgram(lane));
for (const mutant of mutants) builtText(first, mutant);
const before = await run(first, [...new Set(mutants.flatMap(({ tests }) => tests))], TIMEOUT);
if (!before.pass) throw new Error(`the tests fail without any mutant:\n${before.output}`);
// Node 20 takes whole milliseconds only.
const timeout = Math.ceil(Math.max(SHORTEST, before.took * MUCH_LONGER));
let survivors = 0;
const waiting = mutants.values();
await Promise.all(
  [first, ...others].map(async (copy) => {
    for (const mutant of waiting) {
      const alive = await survives(mutant, copy, timeout);
      if (alive) survivors++;
      process.stdout.write(`${alive ? "SURVIVES" : "killed  "}  ${mutant.file}: ${mutant.search} -> ${mutant.replace}\n`);
    }
  }),
);
process.stdout.write(`${mutants.length - survivors} of ${mutants.length} killed\n`);
process.exitCode = survivors === 0 ? 0 : 1;
