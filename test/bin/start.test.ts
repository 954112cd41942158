import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { temporaryDirectory } from "../support/temporary.js";

const ROOT = path.resolve(import.meta.dirname, "../..");
const START = path.join(ROOT, "bin/regcheck.cjs");

function run(file: string, ...options: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [...options, file, "--version"], { encoding: "utf8" });
  return { status, stdout, stderr };
}

/** An option of Node that makes it say another version of itself. */
function sayVersion(version: string): string {
  const file = path.join(temporaryDirectory(), "version.cjs");
  const versions = `{ ...process.versions, node: ${JSON.stringify(version)} }`;
  fs.writeFileSync(file, `Object.defineProperty(process, "versions", { value: ${versions} });`);
  return `--require=${file}`;
}

describe("the file that starts the program", () => {
  test("runs it, from any folder, and by its own name", () => {
    expect(run(START)).toMatchObject({ status: 0, stderr: "" });
    expect(fs.statSync(START).mode & 0o111).toBe(0o111);
  });

  test.each(["12.22.12", "18.20.8", "20.18.3"])("under Node %s says in one line what it needs", (version) => {
    const { status, stderr } = run(START, sayVersion(version));
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: `regcheck needs Node 20.19 or newer, and this is Node ${version} (${process.execPath})\n`,
    });
  });

  test.each(["20.19.0", "22.0.0"])("runs under Node %s", (version) => {
    expect(run(START, sayVersion(version))).toMatchObject({ status: 0, stderr: "" });
  });

  test("in a clone that is not built says how to build it", () => {
    const directory = temporaryDirectory();
    fs.mkdirSync(path.join(directory, "bin"));
    fs.copyFileSync(START, path.join(directory, "bin/regcheck.cjs"));
    const { status, stderr } = run(path.join(directory, "bin/regcheck.cjs"));
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: `regcheck is not built yet: run npm ci && npm run build in ${directory}\n`,
    });
  });

  describe("keeps what is compiled", () => {
    /** Starts the program with a Node that can keep it, and says where it is told to. */
    function keptIn(cache: string): string {
      const file = path.join(temporaryDirectory(), "keep.cjs");
      fs.writeFileSync(file, `require("module").enableCompileCache = (directory) => process.stderr.write(directory);`);
      const { status, stderr } = spawnSync(process.execPath, [`--require=${file}`, START, "--version"], {
        encoding: "utf8",
        env: { ...process.env, XDG_CACHE_HOME: cache },
      });
      expect(status).toBe(0);
      return stderr;
    }

    test("in a directory that is the user's own", () => {
      const cache = temporaryDirectory();
      expect(keptIn(cache)).toBe(path.join(cache, "regcheck/compiled"));
      expect(fs.statSync(path.join(cache, "regcheck/compiled")).mode & 0o777).toBe(0o700);
    });

    test("not where others can write: it is code that is run", () => {
      const cache = temporaryDirectory();
      fs.mkdirSync(path.join(cache, "regcheck/compiled"), { recursive: true });
      fs.chmodSync(path.join(cache, "regcheck/compiled"), 0o777);
      expect(keptIn(cache)).toBe("");
    });

    test("not at all where there is no place for it", () => {
      const cache = path.join(temporaryDirectory(), "file");
      fs.writeFileSync(cache, "");
      expect(keptIn(cache)).toBe("");
    });
  });
});
