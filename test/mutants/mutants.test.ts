import fs from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { MUTANTS } from "./mutants.js";

const ROOT = path.resolve(import.meta.dirname, "../..");

/** `npm run test:mutants` makes them; this only tells early that the program has changed below one. */
test.each(MUTANTS)("$file has once what a mutant replaces: $search", ({ file, search, tests }) => {
  expect(fs.readFileSync(path.join(ROOT, "dist", `${file}.js`), "utf8").split(search)).toHaveLength(2);
  for (const name of tests) expect(fs.existsSync(path.join(ROOT, "test", `${name}.test.ts`))).toBe(true);
});
