import fs from "node:fs";
import path from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

function read(name: "report" | "ndjson"): Json {
  const file = path.resolve(import.meta.dirname, `../../src/report/${name}.schema.json`);
  return JSON.parse(fs.readFileSync(file, "utf8")) as Json;
}

/** The published schema of the JSON report. */
export const REPORT_SCHEMA = read("report") as { readonly $defs: Record<string, { properties?: object; enum?: string[] }> };

/** The schema with no room for names that it does not have: what the program prints is all described. */
function closed(json: Json): Json {
  if (Array.isArray(json)) return json.map(closed);
  if (typeof json !== "object" || json === null) return json;
  const inner = Object.fromEntries(Object.entries(json).map(([key, value]) => [key, closed(value)]));
  return "properties" in inner && !("additionalProperties" in inner) ? { ...inner, unevaluatedProperties: false } : inner;
}

/** The lines of NDJSON add a type to what the report's lists hold: there these are closed around both. */
function withOpenLists(json: Json): Json {
  const schema = json as { readonly $defs: Readonly<Record<string, object>> };
  const { repository, finding } = schema.$defs;
  const open = (definition: object | undefined) => ({ ...definition, unevaluatedProperties: undefined });
  const $defs = { ...schema.$defs, repository: open(repository), finding: open(finding) };
  return JSON.parse(JSON.stringify({ ...schema, $defs })) as Json;
}

function compile(name: "report" | "ndjson") {
  const ajv = new Ajv2020({
    strict: true,
    allErrors: true,
    formats: { "date-time": (text) => new Date(text).toISOString() === text },
  });
  const report = closed(read("report"));
  if (name === "report") return { ajv, validate: ajv.compile(report as object) };
  ajv.addSchema(withOpenLists(report) as object);
  return { ajv, validate: ajv.compile(closed(read("ndjson")) as object) };
}

const COMPILED = { report: compile("report"), ndjson: compile("ndjson") };

/** What the published schema says against a report, or a line of one; "No errors" for nothing. */
export function problemsOf(value: unknown, schema: "report" | "ndjson" = "report"): string {
  const { ajv, validate } = COMPILED[schema];
  validate(value);
  return ajv.errorsText(validate.errors);
}
