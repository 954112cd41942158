import { describe, expect, test } from "vitest";
import { EXIT_CODES } from "#regcheck/errors.js";
import { FINDING_CODES } from "#regcheck/mark/finding.js";
import { SEVERITIES } from "#regcheck/report/catalogue.js";
import { problemsOf, REPORT_SCHEMA } from "../support/json-schema.js";
import { FIXTURE, regcheck } from "../support/run.js";

describe("the JSON report", () => {
  test.each([
    [[]],
    [["--delete-untagged", "--drop-dangling-tags"]],
    [["--repository", "team/*"]],
    [["--verify"]],
    [["--verify=3/7"]],
  ])("is what the published schema says: %s", async (options) => {
    const { stdout, stderr } = await regcheck([FIXTURE, "--grace", "0", "--format", "json", ...options]);
    expect(stderr).toBe("");
    expect(problemsOf(JSON.parse(stdout))).toBe("No errors");
  });

  test("the schema refuses what is no report", async () => {
    const { stdout } = await regcheck([FIXTURE, "--grace", "0", "--format", "json"]);
    const report = JSON.parse(stdout) as { findings: { code: string }[] };
    expect(problemsOf({ ...report, exitCode: 6 })).not.toBe("No errors");
    expect(problemsOf({ ...report, surprise: true })).not.toBe("No errors");
    expect(problemsOf({ ...report, findings: [{ ...report.findings[0], code: "no-such-code" }] })).not.toBe("No errors");
  });

  test("the schema has the codes, severities and exit codes of the program", () => {
    const { code, finding } = REPORT_SCHEMA.$defs;
    expect(code?.enum).toEqual(FINDING_CODES);
    expect(finding?.properties).toMatchObject({ severity: { enum: SEVERITIES } });
    expect(REPORT_SCHEMA).toMatchObject({ properties: { exitCode: { enum: Object.values(EXIT_CODES) } } });
  });
});
