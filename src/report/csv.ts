import { escapeForTerminal } from "./escape.js";
import { jsonFinding } from "./json.js";
import type { Report } from "./report.js";

/** The columns, by the names of the JSON report. */
const COLUMNS = [
  "code",
  "severity",
  "new",
  "repository",
  "tag",
  "digest",
  "path",
  "bytes",
  "recoverable",
  "uploadId",
  "message",
] as const satisfies readonly (keyof ReturnType<typeof jsonFinding>)[];

/** The findings alone as CSV (RFC 4180) with a header line; the last column, `name`, says which registry they are of, for files that are put together; bytes are plain numbers, and what a finding does not have is empty. */
export function* formatCsv(report: Report): Generator<string> {
  yield `${[...COLUMNS, "name"].join(",")}\r\n`;
  for (const finding of report.findings()) {
    const values = jsonFinding(finding, report.baseline?.isNew(finding));
    yield `${[...COLUMNS.map((column) => values[column]), report.name].map(cell).join(",")}\r\n`;
  }
}

/** What makes a spreadsheet take a text for a formula when a cell begins with it; the wide forms count as well. */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/;

/**
 * Names come from the storage, where anybody who may push can choose them. A cell that a spreadsheet would compute begins with an
 * apostrophe instead, which it takes as "this is text"; control characters, line breaks among them, become visible.
 */
function cell(value: string | number | boolean | undefined): string {
  if (typeof value !== "string") return value === undefined ? "" : String(value);
  const text = escapeForTerminal(FORMULA.test(value) ? `'${value}` : value);
  return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
