import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { replaceFile, syncDirectory } from "#regcheck/durable-files.js";
import { temporaryDirectory } from "./support/temporary.js";

describe("a file that is replaced", () => {
  test("is the old one until the new one is whole, whatever fails, and nothing is left beside it", () => {
    const directory = temporaryDirectory();
    const file = path.join(directory, "report");
    replaceFile(file, (descriptor) => fs.writeFileSync(descriptor, "first"));
    expect(() =>
      replaceFile(file, (descriptor) => {
        fs.writeFileSync(descriptor, "part of the sec");
        throw new Error("full");
      }),
    ).toThrow("full");
    expect(fs.readFileSync(file, "utf8")).toBe("first");
    expect(fs.readdirSync(directory)).toEqual(["report"]);
  });

  test("is not written through a symbolic link that somebody has put where it is made", () => {
    const directory = temporaryDirectory();
    const [file, victim] = [path.join(directory, "report"), path.join(directory, "victim")];
    fs.writeFileSync(victim, "precious");
    const uuid = "00000000-0000-4000-8000-000000000000";
    const guess = vi.spyOn(crypto, "randomUUID").mockReturnValue(uuid);
    onTestFinished(() => guess.mockRestore());
    fs.symlinkSync(victim, `${file}.${uuid}.tmp`);
    expect(() => replaceFile(file, (descriptor) => fs.writeFileSync(descriptor, "report"))).toThrow("EEXIST");
    expect(fs.readFileSync(victim, "utf8")).toBe("precious");
  });

  test("is made under another name each time: two containers share a directory, and both are process 1", () => {
    const directory = temporaryDirectory();
    const file = path.join(directory, "report");
    replaceFile(file, (outer) => {
      fs.writeFileSync(outer, "outer");
      replaceFile(file, (inner) => fs.writeFileSync(inner, "inner"));
      expect(fs.readFileSync(file, "utf8")).toBe("inner");
    });
    expect(fs.readFileSync(file, "utf8")).toBe("outer");
    expect(fs.readdirSync(directory)).toEqual(["report"]);
  });
});

describe("a directory that is put on the disk", () => {
  const failing = (code: string): void => {
    const sync = vi.spyOn(fs, "fsyncSync").mockImplementation(() => {
      throw Object.assign(new Error(code), { code });
    });
    onTestFinished(() => sync.mockRestore());
  };

  test("on a filesystem that does not know that is none to complain of", () => {
    failing("EINVAL");
    expect(() => syncDirectory(temporaryDirectory())).not.toThrow();
  });

  test("where that fails, fails", () => {
    failing("EIO");
    expect(() => syncDirectory(temporaryDirectory())).toThrow("EIO");
  });
});
