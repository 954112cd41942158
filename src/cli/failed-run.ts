import fs from "node:fs";
import { showUrl } from "../show-url.js";
import type { CheckArguments } from "./check-command.js";

type Arguments = Pick<CheckArguments, "storage" | "config" | "endpoint" | "name" | "repository" | "output" | "format">;

/** Does a run that ends with a report. Where it fails before it has one, its files of metrics say so: an alert would take the last run's for its. */
export async function tellingFailure<T>(args: Arguments, run: () => Promise<T>): Promise<T> {
  const since = Date.now();
  try {
    return await run();
  } catch (error) {
    // What has failed is what the operator must be told, whatever becomes of the metrics.
    await tellFailure(args, since / 1000).catch(() => {});
    throw error;
  }
}

async function tellFailure(args: Arguments, since: number): Promise<void> {
  const [{ outputsOf }, { readIfFile, writeOutputFile }, { withFailedRun }] = await Promise.all([
    import("./outputs.js"),
    import("./write-report.js"),
    import("../report/run-metrics.js"),
  ]);
  for (const { path, format } of outputsOf(args).files) {
    if (format !== "prometheus") continue;
    const file = fs.existsSync(path) ? readIfFile(path) : "";
    const text = file === undefined ? undefined : withFailedRun(file, scopeOf(args), since);
    if (text !== undefined) writeOutputFile({ option: "output", path }, [text]);
  }
}

/** As the command line has it: what names the storage may be what could not be read. */
function scopeOf({ storage, config, endpoint, name, repository }: Arguments) {
  return {
    storage: storage === undefined ? config : showUrl(storage),
    server: endpoint !== undefined && URL.canParse(endpoint) ? new URL(endpoint).host : undefined,
    registry: name,
    repository,
  };
}
