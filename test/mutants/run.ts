import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { MUTANTS } from "./mutants.js";
import type { Mutant } from "./mutants.js";

/**
 * Makes each of the mutants in a copy of the program and runs its tests: all must fail. `npm run test:mutants`, with a part of a file's name
 * for those of some files. A mutant that survives is a rule that no test watches over.
 */
const ROOT = process.cwd();
const COPY = path.join(ROOT, ".cache/mutants");

function copyProgram(): void {
  fs.rmSync(COPY, { recursive: true, force: true });
  fs.mkdirSync(COPY, { recursive: true });
  for (const part of ["package.json", "tsconfig.json", "dist", "test", "fixtures"])
    fs.cpSync(path.join(ROOT, part), path.join(COPY, part), { recursive: true });
  fs.symlinkSync(fs.realpathSync(path.join(ROOT, "node_modules")), path.join(COPY, "node_modules"));
}

/** Whether the tests pass, and what they print. */
function run(tests: readonly string[]): { readonly pass: boolean; readonly output: string } {
  const vitest = path.join(ROOT, "node_modules/vitest/vitest.mjs");
  const files = tests.map((name) => `test/${name}.test.ts`);
  const args = [vitest, "run", "--config", "test/vitest.config.ts", "--project", "unit", "--bail", "1", ...files];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: COPY, encoding: "utf8", timeout: 120_000 });
  return { pass: status === 0, output: stdout + stderr };
}

/** Makes the mutant, and takes it back when the work is done. */
function withMutant<T>({ file, search, replace }: Mutant, work: () => T): T {
  const built = path.join(COPY, "dist", `${file}.js`);
  const text = fs.readFileSync(built, "utf8");
  if (text.split(search).length !== 2) throw new Error(`${file}: expected once: ${search}`);
  fs.writeFileSync(
    built,
    text.replace(search, () => replace),
  );
  try {
    return work();
  } finally {
    fs.writeFileSync(built, text);
  }
}

const [wanted = ""] = process.argv.slice(2);
const mutants = MUTANTS.filter(({ file }) => file.includes(wanted));
copyProgram();
const before = run([...new Set(mutants.flatMap(({ tests }) => tests))]);
if (!before.pass) throw new Error(`the tests fail without any mutant:\n${before.output}`);
let survivors = 0;
for (const mutant of mutants) {
  const survives = withMutant(mutant, () => run(mutant.tests).pass);
  if (survives) survivors++;
  process.stdout.write(`${survives ? "SURVIVES" : "killed  "}  ${mutant.file}: ${mutant.search} -> ${mutant.replace}\n`);
}
process.stdout.write(`${mutants.length - survivors} of ${mutants.length} killed\n`);
process.exitCode = survivors === 0 ? 0 : 1;
