import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { BENCHMARK, generateTo, MANY_TAGS } from "../support/generate.js";
import type { GenerateOptions } from "../support/generate.js";
import { findProgram } from "../e2e/support/programs.js";
import { compare, machine, table } from "./measure.js";

/**
 * `npm run bench:filesystem [DIRECTORY]`: a full check against what the registry's own collectors take for a dry run that reads less,
 * and against `find`. DIRECTORY keeps the generated trees for the next run.
 */
const RUNS = 5;
const main = path.resolve("dist/cli/main.js");
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

console.log(machine());
const large = tree("large", BENCHMARK);
console.log("\n200 repositories × 100 images, warm\n");
console.log(
  table(
    compare(
      [
        { name: "regcheck", command: check(large) },
        { name: "`find -size -1`", command: ["find", large, "-size", "-1"] },
        {
          name: "registry 2.8, `garbage-collect --dry-run`",
          command: [findProgram("docker-registry"), "garbage-collect", "--dry-run", config(large)],
        },
        {
          name: "registry 3.1, `garbage-collect --dry-run`",
          command: [findProgram("registry"), "garbage-collect", "--dry-run", config(large)],
        },
      ],
      RUNS,
    ),
  ),
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
if (process.argv[2] === undefined) fs.rmSync(directory, { recursive: true });
