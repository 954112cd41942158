import { markAndReport } from "./check.js";
import type { CheckOptions } from "./check.js";
import { errorMessage, UsageError } from "./errors.js";
import { checkDestination } from "./export/destination.js";
import { describeExport, writeExportFile } from "./export/export-file.js";
import type { ExportFile } from "./export/export-file.js";
import { recordMarked } from "./export/record-marked.js";
import { RecordedStorage } from "./export/recorded-storage.js";
import { finishTables, openTables } from "./export/tables-writer.js";
import type { Tool } from "./report/json.js";
import type { Report } from "./report/report.js";
import { isSystemError } from "./system-errors.js";
import type { Storage } from "./storage/storage.js";

/** What an export came to. */
export interface Exported {
  readonly report: Report;
  readonly file: ExportFile;
}

/**
 * Checks a storage and writes what it saw as tables into a new folder, `export.json` last. Only that folder is written to, and nothing
 * once the signal aborts: then its reason is thrown. Throws a `UsageError` for a folder that cannot be taken or written.
 */
export async function exportTables(
  storage: Storage,
  directory: string,
  { tool, signal, ...options }: CheckOptions & { readonly tool: Tool; readonly signal?: AbortSignal },
): Promise<Exported> {
  checkDestination(directory, storage.driver === "filesystem" ? storage.location : undefined);
  const writing = <T>(work: () => T): T => {
    // What is read after that is what a closed storage answers: faults, which would make an export of them.
    signal?.throwIfAborted();
    try {
      return work();
    } catch (error) {
      throw isSystemError(error) ? new UsageError(`${directory}: ${errorMessage(error)}`, { cause: error }) : error;
    }
  };
  const tables = writing(() => openTables(directory));
  const { marked, report } = await markAndReport(new RecordedStorage(storage, tables, writing), options);
  return writing(() => {
    recordMarked(tables, marked, report);
    const file = describeExport(report, tool, finishTables(tables));
    writeExportFile(directory, file);
    return { report, file };
  });
}
