import { describe, expect, test } from "vitest";
import { parseBytes, parseConcurrency, parseManifestPart, parsePart, parseTimeSpan } from "#regcheck/cli/parse-values.js";

describe("parseTimeSpan", () => {
  test.each([
    ["0", 0],
    ["90s", 90],
    ["30m", 1800],
    ["1h", 3600],
    ["1.5h", 5400],
    ["7d", 604_800],
  ])("%s is %d seconds", (text, seconds) => {
    expect(parseTimeSpan("grace", text)).toBe(seconds);
  });

  test.each(["", "h", "7", "24", "90", "1.5", "00", "0.0", "-1h", "1w", "1 h", "1e3", "Infinity"])(
    "refuses %j and names the option",
    (text) => {
      expect(() => parseTimeSpan("grace", text)).toThrow(`--grace ${text}: expected a time span such as 30m, 1h or 7d`);
    },
  );

  test("asks for the unit that is missing", () => {
    expect(() => parseTimeSpan("older-than", "7")).toThrow("(7 of what? s, m, h or d)");
  });
});

describe("parsePart", () => {
  test.each([
    ["1/1", { part: 1, parts: 1 }],
    ["7/7", { part: 7, parts: 7 }],
    ["12/365", { part: 12, parts: 365 }],
  ])("takes %s", (text, part) => {
    expect(parsePart(text)).toEqual(part);
  });

  test.each(["", "x", "1", "0/7", "8/7", "1/0", "-1/7", "1/7/2", "1.5/7", "01/7", "1/ 7", "1/1000000"])("refuses %j", (text) => {
    expect(() => parsePart(text)).toThrow(`--verify=${text}: expected a part such as 1/7`);
  });
});

describe("parseConcurrency", () => {
  test.each(["1", "64", "1024"])("takes %s", (text) => {
    expect(parseConcurrency(text)).toBe(Number(text));
  });

  test.each(["0", "-1", "1.5", "x", "1025", "1e2", ""])("refuses %j", (text) => {
    expect(() => parseConcurrency(text)).toThrow(`--concurrency ${text}: expected a whole number from 1 to 1024`);
  });
});

test.each(["0/16", "15/16", "0/1"])("--part %s is a part", (text) => {
  const [part, parts] = text.split("/").map(Number);
  expect(parseManifestPart(text)).toEqual({ part, parts });
});

test.each(["", "1", "16/16", "1/0", "-1/4", "01/4", "1/4/4", "a/b", " 1/4", "0/100000"])("--part %j is none", (text) => {
  expect(() => parseManifestPart(text)).toThrow(`--part ${text}: `);
});

test("--part counts from 0, and says so", () => {
  expect(() => parseManifestPart("16/16")).toThrow("--part 16/16: the parts of 16 are 0/16 to 15/16");
  expect(() => parseManifestPart("1/1")).toThrow("--part 1/1: there is part 0/1 alone");
});

test.each([
  ["512M", 2 ** 29],
  ["1.5G", 1.5 * 2 ** 30],
  ["20GiB", 20 * 2 ** 30],
  ["64KB", 2 ** 16],
  ["2T", 2 ** 41],
])("%s is a size", (text, bytes) => {
  expect(parseBytes("cache-size", text)).toBe(bytes);
});

test.each(["1", "0G", "G", "-1G", "1g", "1 G", "1P", ""])("%j is no size", (text) => {
  expect(() => parseBytes("cache-size", text)).toThrow(`--cache-size ${text}: expected a size such as 512M or 20G`);
});
