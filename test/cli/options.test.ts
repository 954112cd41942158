import { describe, expect, test } from "vitest";
import { parseConcurrency, parseTimeSpan } from "#regcheck/cli/options.js";

describe("parseTimeSpan", () => {
  test.each([
    ["0", 0],
    ["90", 90],
    ["90s", 90],
    ["30m", 1800],
    ["1h", 3600],
    ["1.5h", 5400],
    ["7d", 604_800],
  ])("%s is %d seconds", (text, seconds) => {
    expect(parseTimeSpan("grace", text)).toBe(seconds);
  });

  test.each(["", "h", "-1h", "1w", "1 h", "1e3", "Infinity"])("refuses %j and names the option", (text) => {
    expect(() => parseTimeSpan("grace", text)).toThrow(`--grace ${text}: expected a time span such as 30m, 1h or 7d`);
  });
});

describe("parseConcurrency", () => {
  test.each([undefined, 1, 64, 1024])("takes %s", (value) => {
    expect(parseConcurrency(value)).toBe(value);
  });

  test.each([0, -1, 1.5, Number.NaN, 1025])("refuses %s", (value) => {
    expect(() => parseConcurrency(value)).toThrow("expected a whole number from 1 to 1024");
  });
});
