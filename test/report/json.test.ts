import fs from "node:fs";
import path from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, test } from "vitest";
import { EXIT_CODES } from "#regcheck/errors.js";
import { FINDING_CODES } from "#regcheck/mark/finding.js";
import { SEVERITIES } from "#regcheck/report/catalogue.js";
import { FIXTURE, regcheck } from "../support/run.js";

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

const schemaFile = path.resolve(import.meta.dirname, "../../src/report/report.schema.json");
const schema = JSON.parse(fs.readFileSync(schemaFile, "utf8")) as {
  $defs: Record<string, { properties?: object; enum?: string[] }>;
};

/** The schema with no room for names that it does not have: what the program prints is all described. */
function closed(json: Json): Json {
  if (Array.isArray(json)) return json.map(closed);
  if (typeof json !== "object" || json === null) return json;
  const inner = Object.fromEntries(Object.entries(json).map(([key, value]) => [key, closed(value)]));
  return "properties" in inner && !("additionalProperties" in inner) ? { ...inner, additionalProperties: false } : inner;
}

function problemsOf(report: unknown): string {
  const ajv = new Ajv2020({
    strict: true,
    allErrors: true,
    formats: { "date-time": (text) => new Date(text).toISOString() === text },
  });
  const validate = ajv.compile(closed(schema as unknown as Json) as object);
  validate(report);
  return ajv.errorsText(validate.errors);
}

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
    const { code, finding } = schema.$defs;
    expect(code?.enum).toEqual(FINDING_CODES);
    expect(finding?.properties).toMatchObject({ severity: { enum: SEVERITIES } });
    expect(schema).toMatchObject({ properties: { exitCode: { enum: Object.values(EXIT_CODES) } } });
  });
});
