import path from "node:path";
import { UsageError } from "../errors.js";
import { FORMATS } from "./options.js";
import type { Format } from "./options.js";

/** The format of a file by the ending of its name. */
const FORMAT_OF_ENDING: Readonly<Record<string, Format>> = {
  ".txt": "text",
  ".json": "json",
  ".ndjson": "ndjson",
  ".csv": "csv",
  ".html": "html",
  ".prom": "prometheus",
};

/** Where a report goes, and in which format: one scan may have several readers. */
export interface Outputs {
  readonly files: readonly { readonly path: string; readonly format: Format }[];
  /** Undefined where stdout gets no report. */
  readonly stdout: Format | undefined;
}

/**
 * A file's ending says its format. `--format` is for files with no such ending, and for stdout, unless a file has the report in that format.
 * Throws a `UsageError` for an ending that says nothing, and for a file that is named twice.
 */
export function outputsOf({
  output: names = [],
  format,
}: {
  readonly output?: readonly string[] | undefined;
  readonly format?: Format | undefined;
}): Outputs {
  const files = names.map((name) => ({ path: name, format: formatOf(name, format) }));
  const twice = files.find((file, i) => files.findIndex((other) => path.resolve(other.path) === path.resolve(file.path)) < i);
  if (twice !== undefined) throw new UsageError(`--output ${twice.path} is given twice: give it once`);
  if (files.length === 0) return { files, stdout: format ?? "text" };
  return { files, stdout: files.some((file) => file.format === format) ? undefined : format };
}

function formatOf(name: string, format: Format | undefined): Format {
  const byEnding = FORMAT_OF_ENDING[path.extname(name).toLowerCase()];
  if (byEnding !== undefined) return byEnding;
  if (format !== undefined) return format;
  if (path.extname(name) === "") return "text";
  const endings = Object.keys(FORMAT_OF_ENDING).join(", ");
  throw new UsageError(`--output ${name}: its name does not end in one of ${endings}: give --format (${FORMATS.join(", ")})`);
}
