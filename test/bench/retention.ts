import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { BENCHMARK, generateTo } from "../support/generate.js";
import type { GenerateOptions } from "../support/generate.js";
import { compare, machine, table } from "./measure.js";

/**
 * `npm run bench:retention [DIRECTORY]`: which tags go by a policy file, against the plain check. DIRECTORY keeps the generated trees for
 * the next run.
 */
const RUNS = Number(process.env["RUNS"] ?? 5);
const main = path.resolve("dist/cli/main.js");
const directory = process.argv[2] ?? fs.mkdtempSync(path.join(os.tmpdir(), "regcheck-bench-"));

/** Tags of a single layer's images alone, so that nothing but tags takes time. */
const ONLY_TAGS: GenerateOptions = { ...BENCHMARK, repositories: 1, layers: 1, multiArch: 0, untagged: 0, abandoned: 0 };

const POLICIES = `
- {name: pulls, action: {type: Delete}, condition: {tags: ["pr-*"], olderThan: 14d}}
- {name: all, action: {type: Delete}, condition: {tags: ["**"]}}
- {name: newest, action: {type: Keep}, mostRecentVersions: {keepCount: 10}}
- {name: versions, action: {type: Keep}, mostRecentVersions: {keepCount: 10, orderBy: semver}}
- {name: releases, action: {type: Keep}, condition: {tags: ["v*", latest]}}
`;

const policies = path.join(directory, "policies.yaml");
fs.mkdirSync(directory, { recursive: true });
fs.writeFileSync(policies, POLICIES);

function tree(name: string, options: GenerateOptions): string {
  const root = path.join(directory, name);
  if (!fs.existsSync(root)) generateTo(root, options);
  return root;
}

/** The check, with a policy file, and the preview of what goes by it. */
function commands(root: string) {
  const run = (...args: string[]): string[] => [process.execPath, main, ...args];
  return [
    { name: "regcheck", command: run(root, "--grace", "0", "--fail-on", "never") },
    { name: "regcheck `--policy`", command: run(root, "--grace", "0", "--fail-on", "never", "--policy", policies) },
    { name: "regcheck untag `--policy`", command: run("untag", "--grace", "0", "--policy", policies, root) },
    { name: "the same, as JSON", command: run("untag", "--grace", "0", "--policy", policies, root, "--format", "json") },
  ];
}

console.log(machine());
console.log("\n200 repositories × 100 images, 19,600 tags, warm\n");
console.log(table(compare(commands(tree("large", BENCHMARK)), RUNS)));
for (const images of [25_000, 50_000, 100_000]) {
  console.log(`\n1 repository with ${images} tags, warm\n`);
  console.log(table(compare(commands(tree(`tags-${images}`, { ...ONLY_TAGS, images })), Math.min(RUNS, 3))));
}
if (process.argv[2] === undefined) fs.rmSync(directory, { recursive: true });
