import { describe, expect, test } from "vitest";
import { describeProgress } from "#regcheck/cli/progress-line.js";

describe("progress of verifying", () => {
  test.each([
    [0, 0, "verifying: 0 B of 80.0 TB"],
    [1e9, 1000, "verifying: 1.00 GB of 80.0 TB"],
    [8e12, 3_600_000, "verifying: 8.00 TB of 80.0 TB, about 9 h 0 min left"],
    [79.99e12, 10_000_000, "verifying: 80.0 TB of 80.0 TB, about 2.0 s left"],
    [80e12, 10_000_000, "verifying: 80.0 TB of 80.0 TB, about 0 ms left"],
    [0, 10_000, "verifying: 0 B of 80.0 TB"],
    [81e12, 10_000_000, "verifying: 81.0 TB of 80.0 TB"],
  ])("%d bytes after %d ms: %s", (bytes, milliseconds, text) => {
    expect(describeProgress({ phase: "verify", bytes, bytesInAll: 80e12 }, milliseconds)).toBe(text);
  });
});
