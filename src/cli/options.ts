import type { Options } from "yargs";
import { SEVERITIES } from "../report/severity.js";

/** The formats of a report. */
export const FORMATS = ["text", "json", "ndjson", "csv", "html", "prometheus"] as const;
export type Format = (typeof FORMATS)[number];

/** The lowest severity that makes the exit code 1. */
export const FAIL_ON = [...SEVERITIES, "never"] as const;
export type FailOn = (typeof FAIL_ON)[number];

/** The storage itself, for commands whose arguments are something else. */
export const STORAGE_OPTION = {
  type: "string",
  group: "Storage:",
  requiresArg: true,
  describe: "The registry's rootdirectory, or s3://bucket/rootdirectory",
} as const satisfies Options;

/** Where the storage is: for every command that reads one. */
export const STORAGE_OPTIONS = {
  config: {
    type: "string",
    group: "Storage:",
    requiresArg: true,
    describe: "The registry's own config.yml, which says where its storage is",
  },
  concurrency: {
    type: "string",
    group: "Storage:",
    requiresArg: true,
    describe: "Reads or requests under way at a time [default: by the kind of storage; 64 on S3]",
  },
  endpoint: {
    type: "string",
    group: "S3:",
    requiresArg: true,
    describe: "URL of an S3-compatible server; implies --force-path-style",
  },
  region: { type: "string", group: "S3:", requiresArg: true, describe: "Region of the bucket" },
  "force-path-style": {
    type: "boolean",
    group: "S3:",
    describe: "The bucket's name goes into the path (default with --endpoint), not into the host",
  },
  "read-links": {
    type: "boolean",
    group: "S3:",
    describe: "Read every link, instead of comparing its ETag with what it should hold",
  },
  timeout: {
    type: "string",
    group: "S3:",
    requiresArg: true,
    describe: "Give up a server that fails or hangs after this time (30s, 5m) [default: 60s]",
  },
  cache: {
    type: "string",
    group: "S3:",
    requiresArg: true,
    describe: "Keep parsed manifests in this directory, so that the next run reads only new ones",
  },
  "cache-size": {
    type: "string",
    group: "S3:",
    requiresArg: true,
    describe: "Most bytes of the cache (512M, 20G): what was read from the bucket longest ago goes first [default: no bound]",
  },
} as const satisfies Record<string, Options>;

/** Where the listing comes from instead of the bucket: for commands that change nothing. */
export const INVENTORY_OPTIONS = {
  inventory: {
    type: "string",
    group: "S3:",
    requiresArg: true,
    describe: "Take the listing from this S3 Inventory: its manifest.json, or its configuration's folder; s3:// or on this disk",
  },
  "inventory-age": {
    type: "string",
    default: "72h",
    group: "S3:",
    requiresArg: true,
    describe: "Warn when the inventory is older than this",
  },
} as const satisfies Record<string, Options>;

function toList(value: string | readonly string[]): readonly string[] {
  return typeof value === "string" ? [value] : value;
}

/** What counts as garbage. */
export const POLICY_OPTIONS = {
  "delete-untagged": {
    type: "boolean",
    default: false,
    group: "Policy:",
    describe: "Manifests without a tag are garbage, unless something live needs them",
  },
  "drop-dangling-tags": {
    type: "boolean",
    default: false,
    group: "Policy:",
    describe: "Tags whose manifest was deleted keep nothing alive",
  },
  grace: {
    type: "string",
    default: "1h",
    group: "Policy:",
    requiresArg: true,
    describe: "What is younger than this stays, with all that it reaches (30m, 1h, 7d)",
  },
  keep: {
    type: "string",
    // Not `array`: yargs takes the lone - of stdin for an option there. Given twice it makes a list by itself.
    coerce: toList,
    group: "Policy:",
    requiresArg: true,
    describe: "Manifests whose digests are anywhere in this file stay, with all that they reach; - for stdin",
  },
} as const satisfies Record<string, Options>;

/** From when on an upload counts as abandoned. */
export const UPLOAD_OPTIONS = {
  "uploads-older-than": {
    type: "string",
    default: "168h",
    group: "Policy:",
    requiresArg: true,
    describe: "Uploads that were started longer ago than this are abandoned: --purge-uploads takes them",
  },
} as const satisfies Record<string, Options>;

/** Which tags may go. */
export const RETENTION_OPTIONS = {
  policy: {
    type: "string",
    group: "Policy:",
    requiresArg: true,
    describe:
      "Which tags may go, by the cleanup policies in this file (YAML or JSON): shows what a sweep would take without them",
  },
} as const satisfies Record<string, Options>;

/** What is read besides what a check needs. `--verify` alone is `--verify=1/1`: see `readWords`. */
export const VERIFY_OPTIONS = {
  verify: {
    type: "string",
    group: "Report:",
    describe: "Read every blob and compare it with its digest; --verify=1/7 reads the first seventh, by digest",
  },
} as const satisfies Record<string, Options>;

/** For every command. */
export const GLOBAL_OPTIONS = {
  debug: { type: "boolean", default: false, describe: "Show the stack of an error" },
} as const satisfies Record<string, Options>;

/** What yargs has by itself, with every command. */
export const YARGS_OPTIONS = {
  help: { type: "boolean", alias: "h" },
  version: { type: "boolean", alias: "v" },
} as const satisfies Record<string, Options>;

/** What may be given more than once: each time names one more. */
export const REPEATABLE_OPTIONS: ReadonlySet<string> = new Set(["keep", "output", "registry-url"]);

/** What is printed, and what the exit code says. */
export const REPORT_OPTIONS = {
  format: {
    choices: FORMATS,
    group: "Report:",
    requiresArg: true,
    describe: "How the report is printed [default: text]; with --output, what else to print",
  },
  output: {
    type: "string",
    coerce: toList,
    group: "Report:",
    requiresArg: true,
    describe:
      "Write the report to this file, atomically; its ending says the format: .txt .json .ndjson .csv .html .prom; repeatable",
  },
  name: {
    type: "string",
    group: "Report:",
    requiresArg: true,
    describe: "What reports call this registry [default: the host's name]",
  },
  repository: {
    type: "string",
    group: "Report:",
    requiresArg: true,
    describe: "Report on, and sweep, repositories that match this glob only (what is live does not depend on it)",
  },
  "fail-on": {
    choices: FAIL_ON,
    default: "error",
    group: "Report:",
    requiresArg: true,
    describe: "Exit with 1 when there is a finding this bad or worse",
  },
  baseline: {
    type: "string",
    group: "Report:",
    requiresArg: true,
    describe: "Compare with this report (--format ndjson): what is new, how much is gone",
  },
  "update-baseline": {
    type: "boolean",
    default: false,
    group: "Report:",
    describe: "Replace the file of --baseline by this run's report, if all could be read; the first run makes it",
  },
  "fail-on-new": {
    type: "boolean",
    default: false,
    group: "Report:",
    describe: "With --baseline: exit with 1 only when such a finding is new; the text report has new findings alone",
  },
  quiet: {
    type: "boolean",
    alias: "q",
    default: false,
    group: "Report:",
    describe: "No progress, and no report when the exit code is 0",
  },
} as const satisfies Record<string, Options>;

/** How the catalogue is printed: for people or for programs. */
export const CODES_OPTIONS = {
  format: {
    choices: ["text", "json"],
    default: "text",
    requiresArg: true,
    describe: "How the catalogue is written",
  },
  quiet: { type: "boolean", alias: "q", default: false, describe: "Only the codes" },
} as const satisfies Record<string, Options>;

/** How what is written elsewhere is summed up. */
const SUMMARY_FORMAT_OPTION = {
  choices: ["text", "json"],
  default: "text",
  group: "Report:",
  requiresArg: true,
  describe: "How the summary is written",
} as const satisfies Options;

const QUIET_SUMMARY_OPTION = {
  type: "boolean",
  alias: "q",
  default: false,
  group: "Report:",
  describe: "No progress, and no summary",
} as const satisfies Options;

/** How an export reports. */
export const EXPORT_OPTIONS = {
  format: SUMMARY_FORMAT_OPTION,
  quiet: QUIET_SUMMARY_OPTION,
} as const satisfies Record<string, Options>;

/** How manifests are read by several processes, or machines. */
export const MANIFESTS_OPTIONS = {
  part: {
    type: "string",
    group: "Manifests:",
    requiresArg: true,
    describe: "Read this part of them, such as 0/16 to 15/16, into a folder of its own in the directory of --cache",
  },
  merge: {
    type: "boolean",
    default: false,
    group: "Manifests:",
    describe: "Join the parts in the directory of --cache: it is the cache of a check then, which reads no manifest",
  },
  format: SUMMARY_FORMAT_OPTION,
  quiet: QUIET_SUMMARY_OPTION,
} as const satisfies Record<string, Options>;

/** How much is explained, and how it is printed. */
export const EXPLAIN_OPTIONS = {
  all: {
    type: "boolean",
    default: false,
    group: "Report:",
    describe: "Show the shortest chain from every root that keeps it (1,000 at most), not the best one only",
  },
  format: {
    choices: ["text", "json"],
    default: "text",
    group: "Report:",
    requiresArg: true,
    describe: "How the explanation is written",
  },
  quiet: { type: "boolean", alias: "q", default: false, group: "Report:", describe: "No progress" },
} as const satisfies Record<string, Options>;
