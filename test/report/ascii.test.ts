import { describe, expect, test } from "vitest";
import { hasUtf8, toAscii } from "#regcheck/report/ascii.js";
import { FIXTURE, regcheck } from "../support/run.js";

describe("the locale", () => {
  test.each([
    [{}, false],
    [{ LANG: "C" }, false],
    [{ LANG: "en_US.UTF-8" }, true],
    [{ LANG: "de_DE.utf8" }, true],
    [{ LANG: "en_US.UTF-8", LC_ALL: "C" }, false],
    [{ LANG: "C", LC_CTYPE: "C.UTF-8" }, true],
    [{ LANG: "en_US.UTF-8", LC_ALL: "" }, true],
  ])("%j has UTF-8: %s", (environment, expected) => {
    expect(hasUtf8(environment)).toBe(expected);
  });

  test("of C has reports, explanations, codes and errors in ASCII", async () => {
    for (const args of [[FIXTURE], ["explain", "team/web:7", "--storage", FIXTURE], ["codes"], ["s3://user:secret@bucket"]]) {
      const { stdout, stderr } = await regcheck(args, { LANG: "C" });
      // oxlint-disable-next-line no-control-regex -- it is about which characters are printed
      expect(stdout + stderr).toMatch(/^[\u0000-\u007f]+$/);
      const other = await regcheck(args, { LANG: "C.UTF-8" });
      expect(toAscii(other.stdout + other.stderr).replace(/read in .*/, "")).toBe((stdout + stderr).replace(/read in .*/, ""));
    }
  });
});
