import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { BENCHMARK, generateTo, MANY_TAGS } from "../support/generate.js";
import type { GenerateOptions } from "../support/generate.js";
import { findProgram } from "../e2e/support/programs.js";
import { compare, machine, table } from "./measure.js";
import type { Candidate, Measured } from "./measure.js";

/**
 * `npm run bench:filesystem [DIRECTORY]`: a full check against what the registry's own collectors take for a dry run that reads less,
 * against `find`, and against the floor; as root also with cold caches. Ends with the table of aims. DIRECTORY keeps the generated trees for
 * the next run.
 */
const RUNS = 5;
const COLD_RUNS = 3;
const main = path.resolve("bin/regcheck.cjs");
const directory = process.argv[2] ?? fs.mkdtempSync(path.join(os.tmpdir(), "regcheck-bench-"));

function tree(name: string, options: GenerateOptions): string {
  const root = path.join(directory, name);
  if (!fs.existsSync(root)) generateTo(root, options);
  return root;
}

function config(root: string): string {
  const file = `${root}.config.json`;
  fs.writeFileSync(
    file,
    JSON.stringify({
      version: 0.1,
      log: { level: "error" },
      storage: { filesystem: { rootdirectory: root } },
      http: { addr: ":0" },
    }),
  );
  return file;
}

const check = (root: string, ...options: string[]): string[] => [
  process.execPath,
  main,
  root,
  "--grace",
  "0",
  "--fail-on",
  "never",
  ...options,
];

/** What the check is to reach: how many times as fast as another program, or how much of the processor time of one it may take. */
interface Aim {
  readonly what: string;
  readonly other: string;
  readonly aim: number;
}

/** Node 24 and newer have a compiler between the interpreter and the optimizing one, and start faster. */
const isNewest = Number.parseInt(process.versions.node, 10) >= 24;
const floor: readonly string[] = [process.execPath, path.join(import.meta.dirname, "floor.js")];
const FIND = "`find -size -1`";
const FLOOR = "floor.ts: the same calls, and nothing looked up";
const OLD = "registry 2.8, `garbage-collect --dry-run`";
const NEW = "registry 3.1, `garbage-collect --dry-run`";

const others = (root: string): Candidate[] => [
  { name: FIND, command: ["find", root, "-size", "-1"] },
  { name: OLD, command: [findProgram("docker-registry"), "garbage-collect", "--dry-run", config(root)] },
  { name: NEW, command: [findProgram("registry"), "garbage-collect", "--dry-run", config(root)] },
];

function wallAims(kind: string, [old, recent, find]: readonly [number, number, number]): Aim[] {
  return [
    { what: `${kind}, times as fast as registry 2.8`, other: OLD, aim: old },
    { what: `${kind}, times as fast as registry 3.1`, other: NEW, aim: recent },
    { what: `${kind}, times as fast as \`find\``, other: FIND, aim: find },
  ];
}

const aims: string[] = [];

function note(measured: readonly Measured[], some: readonly Aim[]): void {
  const [own] = measured;
  for (const { what, other, aim } of some) {
    const wall = measured.find(({ name }) => name === other)?.wall ?? Number.NaN;
    aims.push(`| ${what} | ${(wall / (own?.wall ?? Number.NaN)).toFixed(2)} | ${aim} |`);
  }
}

console.log(machine());
const large = tree("large", BENCHMARK);
console.log("\n200 repositories × 100 images, warm\n");
const warm = compare(
  [
    { name: "regcheck", command: check(large) },
    { name: FLOOR, command: [...floor, large, String(os.availableParallelism())] },
    ...others(large),
  ],
  RUNS,
);
console.log(table(warm));
note(warm, wallAims("warm", isNewest ? [4, 8.5, 2] : [3.3, 7, 1.7]));
const processorOf = (name: string): number => warm.find((one) => one.name === name)?.processor ?? Number.NaN;
aims.push(`| processor time, to that of floor.ts | ${(processorOf("regcheck") / processorOf(FLOOR)).toFixed(2)} | 1.3 at most |`);

if (process.getuid?.() === 0) {
  console.log("\nThe same, cold: what the system has in memory is dropped before each run\n");
  const dropCaches = (): void => {
    spawnSync("sync");
    fs.writeFileSync("/proc/sys/vm/drop_caches", "3");
  };
  const cold = compare([{ name: "regcheck", command: check(large) }, ...others(large)], COLD_RUNS, dropCaches);
  console.log(table(cold));
  note(cold, wallAims("cold", [1.5, 2.5, 1.4]));
}

console.log("\nA small registry: the fixtures\n");
const small = compare([{ name: "regcheck", command: check("fixtures/registry") }], RUNS);
console.log(table(small));
aims.push(
  `| a small registry, seconds | ${((small[0]?.wall ?? Number.NaN) / 1000).toFixed(2)} | ${isNewest ? 0.18 : 0.22} at most |`,
);

console.log("\nThe 200 repositories, where each call takes a millisecond more (slow-calls.c)\n");
const library = path.join(directory, "slow-calls.so");
const count = path.join(directory, "calls");
const built = spawnSync("cc", ["-O2", "-shared", "-fPIC", "-o", library, "test/bench/slow-calls.c"], { stdio: "inherit" });
if (built.status !== 0) throw new Error("cc failed");
const slowly = ["env", `LD_PRELOAD=${library}`, `SLOW_ROOT=${large}`, `SLOW_COUNT=${count}`];
const waiting = compare([{ name: "regcheck", command: [...slowly, ...check(large)] }], 3);
console.log(table(waiting));
const [slow] = waiting;
const calls = Number(fs.readFileSync(count, "utf8"));
const seconds = (slow?.wall ?? Number.NaN) / 1000;
const busy = (slow?.processor ?? Number.NaN) / 1000 / seconds / os.availableParallelism();
aims.push(
  `| calls a second that take 1 ms each, 64 under way | ${Math.round(calls / seconds)}, processors ${Math.round(busy * 100)} % busy | 51200, or processors busy |`,
  `| memory with that, MB | ${((slow?.memory ?? Number.NaN) / 1e6).toFixed(0)} | 300 at most |`,
);

const tags = tree("tags", MANY_TAGS);
console.log("\n1 repository with 4,000 tags and 4,000 untagged images, warm\n");
console.log(
  table(
    compare(
      [
        { name: "regcheck", command: check(tags) },
        { name: "regcheck `--delete-untagged`", command: check(tags, "--delete-untagged") },
      ],
      RUNS,
    ),
  ),
);
console.log(`\n| aim | is | aim |\n|---|---|---|\n${aims.join("\n")}`);
if (process.argv[2] === undefined) fs.rmSync(directory, { recursive: true });
