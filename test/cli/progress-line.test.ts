import { PassThrough } from "node:stream";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { describeProgress, startProgressLine } from "#regcheck/cli/progress-line.js";

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

describe("progress where there is no terminal", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  /** What is printed on stderr in so many minutes of a check. */
  function printed(minutes: number, quiet = false): string {
    const stream = Object.assign(new PassThrough({ encoding: "utf8" }), { isTTY: false }) as unknown as NodeJS.WriteStream &
      PassThrough;
    const line = startProgressLine(stream, quiet);
    for (let minute = 0; minute < minutes; minute++) {
      line.update({ phase: "repositories", blobs: 1000, repositories: minute, manifests: 7 });
      vi.advanceTimersByTime(60_000);
    }
    line.stop();
    vi.advanceTimersByTime(600_000);
    return String(stream.read() ?? "");
  }

  test("is a line a minute, and none after the end", () => {
    expect(printed(2)).toBe(
      "regcheck: 1 min 0 s: marking: 0 repositories, 7 manifests of 1,000 blobs read\n" +
        "regcheck: 2 min 0 s: marking: 1 repository, 7 manifests of 1,000 blobs read\n",
    );
  });

  test("is nothing with --quiet", () => {
    expect(printed(2, true)).toBe("");
  });
});
