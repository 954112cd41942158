import fs from "node:fs";
import path from "node:path";
import { replaceFile } from "../durable-files.js";
import type { Policy, SwitchVariant } from "../mark/policy.js";
import type { Tool } from "../report/json.js";
import type { Report } from "../report/report.js";
import { compression } from "./compression.js";
import type { WrittenTable } from "./table-writer.js";
import type { TableName } from "./tables.js";

/** Written last: a folder without it holds no whole export. */
export const EXPORT_FILE = "export.json";

/** The version of the tables and of this file: columns and names may be added within a major version, none changes or goes. */
const SCHEMA_VERSION = "1.0";

/** The variants of the policy by the names that they have in `docs/sql/mark.sql`. */
const VARIANT_COLUMNS = {
  asIs: "as_is",
  withDeleteUntagged: "with_delete_untagged",
  withDropDanglingTags: "with_drop_dangling_tags",
  withBoth: "with_both",
} as const satisfies Record<SwitchVariant, string>;

/** What is in `export.json`; `export.schema.json` describes it. */
export interface ExportFile {
  readonly schemaVersion: string;
  readonly tool: Tool;
  readonly storage: Report["storage"];
  /** ISO 8601, as all times here: what the tables say was true then. */
  readonly asOf: string;
  readonly startedAt: string;
  readonly finishedAt: string;
  /** False where something could not be read: nothing may be concluded to be garbage. */
  readonly complete: boolean;
  /** What else than the storage decides what is live: then what the tables call unneeded need not be. */
  readonly truthElsewhere: readonly { readonly owner: string; readonly evidence: string }[];
  readonly notices: readonly string[];
  readonly compression: string;
  readonly policy: {
    readonly variant: (typeof VARIANT_COLUMNS)[SwitchVariant];
    readonly deleteUntagged: boolean;
    readonly dropDanglingTags: boolean;
    /** Seconds. */
    readonly grace: number;
    /** What was written after this is young: it stays. */
    readonly cutoff: string;
  };
  readonly tables: Readonly<Record<TableName, WrittenTable>>;
}

/** Says what an export is. */
export function describeExport(report: Report, tool: Tool, tables: ExportFile["tables"]): ExportFile {
  const { policy } = report;
  return {
    schemaVersion: SCHEMA_VERSION,
    tool,
    storage: report.storage,
    asOf: timeOf(policy.now),
    startedAt: new Date(report.startedAt).toISOString(),
    finishedAt: new Date().toISOString(),
    complete: report.complete,
    truthElsewhere: report.truthElsewhere.map(({ owner, evidence }) => ({ owner, evidence })),
    notices: report.notices,
    compression: compression().codec,
    policy: {
      variant: VARIANT_COLUMNS[report.selected],
      deleteUntagged: policy.deleteUntagged,
      dropDanglingTags: policy.dropDanglingTags,
      grace: policy.grace,
      cutoff: cutoffOf(policy),
    },
    tables,
  };
}

/** Writes `export.json` so that it is there whole, or not at all. Throws the system's error. */
export function writeExportFile(directory: string, file: ExportFile): void {
  replaceFile(path.join(directory, EXPORT_FILE), (descriptor) =>
    fs.writeFileSync(descriptor, `${JSON.stringify(file, undefined, 2)}\n`),
  );
}

/** A time without a fraction of a millisecond, but never before 1970: a grace time may be longer than that. */
function cutoffOf({ now, grace }: Policy): string {
  return timeOf(Math.max(0, now - grace));
}

function timeOf(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}
