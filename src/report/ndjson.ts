import type { ExitCode } from "../errors.js";
import { jsonLine } from "../json-line.js";
import { jsonFinding, jsonSummary } from "./json.js";
import type { Tool } from "./json.js";
import type { Report } from "./report.js";

/**
 * The JSON report as lines, an object each, `type` first: a `report` line with all but the lists (and `more` of what else was done), a
 * `repository` line for each, a `finding` line for each, and an `end` line with how many there were of both: a file without it was
 * cut off. The names are those of the JSON report; `ndjson.schema.json` describes a line. For millions of findings: nothing is kept.
 */
export function* formatNdjson(report: Report, tool: Tool, exitCode: ExitCode, more: object = {}): Generator<string> {
  const { repositories, ...summary } = jsonSummary(report, tool, exitCode);
  yield line("report", { ...summary, ...more });
  for (const repository of repositories) yield line("repository", repository);
  let findings = 0;
  for (const finding of report.findings()) {
    findings++;
    yield line("finding", jsonFinding(finding, report.baseline?.isNew(finding)));
  }
  yield line("end", { repositories: repositories.length, findings });
}

function line(type: "report" | "repository" | "finding" | "end", value: object): string {
  return jsonLine({ type, ...value });
}
