import { describe, expect, test } from "vitest";
import { countOf, formatBytes, formatDuration } from "#regcheck/report/format.js";

describe("formatBytes", () => {
  test.each([
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1.00 kB"],
    [9994, "9.99 kB"],
    [9996, "10.0 kB"],
    [99_949, "99.9 kB"],
    [99_960, "100 kB"],
    [999_499, "999 kB"],
    [999_500, "1.00 MB"],
    [80e12, "80.0 TB"],
    [12_345e15, "12345 PB"],
  ])("%d bytes are %s", (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});

describe("formatDuration", () => {
  test.each([
    [0, "0 ms"],
    [999.4, "999 ms"],
    [1500, "1.5 s"],
    [59_999, "60.0 s"],
    [61_000, "1 min 1 s"],
    [3_600_000, "1 h 0 min"],
  ])("%d ms are %s", (milliseconds, text) => {
    expect(formatDuration(milliseconds)).toBe(text);
  });
});

describe("countOf", () => {
  test("knows one from many, and irregular plurals", () => {
    expect([countOf(1, "tag"), countOf(1234, "tag"), countOf(0, "repository", "repositories")]).toEqual([
      "1 tag",
      "1,234 tags",
      "0 repositories",
    ]);
  });
});
