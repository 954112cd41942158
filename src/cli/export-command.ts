import { EXIT_CODES } from "../errors.js";
import type { ExitCode } from "../errors.js";
import { exportTables } from "../export.js";
import type { ExportFile } from "../export/export-file.js";
import { countOf, formatBytes } from "../report/format.js";
import { untilAborted } from "../until-aborted.js";
import { asOfListing, policyOf } from "./check-command.js";
import type { PolicyArguments } from "./check-command.js";
import { openStorage } from "./open-storage.js";
import type { StorageArguments } from "./open-storage.js";
import { tell } from "./print.js";
import type { Telling } from "./print.js";
import { startProgressLine } from "./progress-line.js";
import { TOOL } from "./tool.js";

/** The command line of `regcheck export`, parsed. */
export interface ExportArguments extends StorageArguments, PolicyArguments, Telling {
  readonly out: string;
}

/** Writes the tables of an export, and says by the exit code whether they have everything. */
export async function runExport(args: ExportArguments, signal: AbortSignal): Promise<ExitCode> {
  const policy = await policyOf(args, signal);
  const { storage, owners } = await openStorage(args, signal);
  const progress = startProgressLine(process.stderr, args.quiet);
  try {
    const exporting = exportTables(storage, args.out, {
      policy: asOfListing(policy, storage),
      owners,
      tool: TOOL,
      signal,
      onProgress: progress.update,
    });
    const { file } = await untilAborted(exporting, signal);
    progress.stop();
    const exitCode = file.complete ? EXIT_CODES.clean : EXIT_CODES.incomplete;
    await tell(args, true, [`${args.out}: ${summaryOf(file)}`], { out: args.out, ...file, exitCode });
    if (file.complete) return exitCode;
    process.stderr.write(
      "regcheck: something could not be read (its path and cause are in the findings): the export says complete: false\n",
    );
    return exitCode;
  } finally {
    progress.stop();
    await storage.close();
  }
}

function summaryOf({ tables, asOf }: ExportFile): string {
  const all = Object.values(tables);
  const sum = (field: "rows" | "bytes"): number => all.reduce((total, table) => total + table[field], 0);
  return `${all.length} tables, ${countOf(sum("rows"), "row")}, ${formatBytes(sum("bytes"))}, as of ${asOf}`;
}
