import fs from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { makeDirectory } from "#regcheck/make-directory.js";
import { temporaryDirectory } from "./support/temporary.js";

test("makes the parents, for this user alone, and takes what is there", () => {
  const directory = path.join(temporaryDirectory(), "a/b/c");
  for (const wanted of [directory, directory, `${directory}/`, path.relative(process.cwd(), `${directory}/d`)]) {
    makeDirectory(wanted);
    expect(fs.statSync(wanted).mode & 0o777).toBe(0o700);
  }
});

test("a link to a directory is one", () => {
  const directory = temporaryDirectory();
  fs.symlinkSync(directory, path.join(directory, "link"));
  makeDirectory(path.join(directory, "link/a"));
  expect(fs.readdirSync(directory)).toContain("a");
});

test.each(["/proc/regcheck", "/proc/regcheck/a", "/dev/null/a"])("%s fails at once", (directory) => {
  expect(() => makeDirectory(directory)).toThrow(/^E(?:NOENT|NOTDIR|EXIST)/);
});
