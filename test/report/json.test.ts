import { describe, expect, test } from "vitest";
import { EXIT_CODES } from "#regcheck/errors.js";
import { FINDING_CODES } from "#regcheck/mark/finding.js";
import { REFERENCE_ROLES } from "#regcheck/registry/manifest.js";
import { SEVERITIES } from "#regcheck/report/severity.js";
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

  test("says what needs a blob that is missing, and as what", async () => {
    const { stdout } = await regcheck([FIXTURE, "--grace", "0", "--format", "json"]);
    const { findings } = JSON.parse(stdout) as { findings: { code: string; message: string; usedBy?: { digest: string } }[] };
    const missing = findings.filter(({ code }) => code === "blob-missing");
    expect(missing.length).toBeGreaterThan(0);
    for (const { message, usedBy } of missing) expect(message).toContain(usedBy?.digest);
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
    expect(finding?.properties).toMatchObject({
      severity: { enum: SEVERITIES },
      usedBy: { properties: { as: { enum: REFERENCE_ROLES } } },
    });
    expect(REPORT_SCHEMA).toMatchObject({ properties: { exitCode: { enum: Object.values(EXIT_CODES) } } });
  });
});
