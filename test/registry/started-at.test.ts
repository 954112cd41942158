import { describe, expect, test } from "vitest";
import { parseStartedAt } from "#regcheck/registry/started-at.js";

const TEN = Date.UTC(2026, 10, 26, 10) / 1000;

describe("when an upload began", () => {
  test.each([
    ["2026-11-26T10:00:00Z", TEN],
    ["2026-11-26T10:00:00+00:00", TEN],
    ["2026-11-26T11:30:00+01:30", TEN],
    ["2026-11-26T02:00:00-08:00", TEN],
    ["2026-11-26T10:00:00.5Z", TEN + 0.5],
    ["2026-11-26T10:00:00.123456789Z", TEN + 0.123],
    ["2024-02-29T00:00:00Z", Date.UTC(2024, 1, 29) / 1000],
  ])("%j is a time", (text, seconds) => {
    expect(parseStartedAt(text)).toBe(seconds);
  });

  const whole = "2026-11-26T10:00:00Z";
  test.each([
    // However much of it a full disk or a power loss has left.
    ...Array.from(whole.slice(1), (_, length) => whole.slice(0, length)),
    ...Array.from(whole.slice(1), (_, length) => whole.slice(0, length) + "\0".repeat(whole.length - length)),
    "2026-11-26T10:00:00",
    "2026-11-26T10:00:00.",
    "2026-11-26T10:00:00+01",
    "2026-11-26T10:00:00Z\n",
    " 2026-11-26T10:00:00Z",
    "2026-11-26 10:00:00Z",
    "2026-11-26T24:00:00Z",
    "2026-13-01T10:00:00Z",
    "2026-02-30T10:00:00Z",
    "2026-00-10T10:00:00Z",
    "26 Nov 2026 10:00:00 GMT",
    "1",
  ])("%j is none", (text) => {
    expect(parseStartedAt(text)).toBeUndefined();
  });
});
