import { UsageError } from "../errors.js";
import { streamLines } from "../journal/lines.js";
import type { Baseline } from "../report/baseline.js";
import { BaselineReader } from "../report/baseline-reader.js";
import type { BaselineScope } from "../report/baseline-reader.js";
import { causeOf } from "../system-errors.js";

/** Reads an earlier report. Throws a `UsageError` that says what is wrong with it. */
export async function readBaseline(file: string, scope: BaselineScope): Promise<Baseline> {
  try {
    const reader = new BaselineReader(scope);
    for await (const line of streamLines(file)) reader.push(line);
    return reader.end();
  } catch (error) {
    throw new UsageError(`--baseline ${file}: ${causeOf(error)}. Expected a report of this storage that --format ndjson wrote.`);
  }
}
