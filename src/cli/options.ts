import type { Options } from "yargs";
import { UsageError } from "../errors.js";
import type { VerifyPart } from "../mark/verify.js";
import { SEVERITIES } from "../report/catalogue.js";

/** The formats of a report. */
export const FORMATS = ["text", "json", "html"] as const;
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
  cache: {
    type: "string",
    group: "S3:",
    requiresArg: true,
    describe: "Keep parsed manifests in this directory, so that the next run reads only new ones",
  },
} as const satisfies Record<string, Options>;

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
} as const satisfies Record<string, Options>;

/** How it is known that nobody writes: for every command that changes the storage. */
export const WRITER_OPTIONS = {
  "registry-url": {
    type: "string",
    array: true,
    nargs: 1,
    group: "Sweep:",
    describe: "A registry on this storage, to ask whether it is read-only; once for each replica",
  },
  "registry-stopped": {
    type: "boolean",
    default: false,
    group: "Sweep:",
    describe: "No registry is running on this storage",
  },
  "journal-dir": {
    type: "string",
    group: "Sweep:",
    requiresArg: true,
    describe: "Where the journal of what is removed goes [default: /var/lib/regcheck for root]",
  },
  quarantine: {
    type: "boolean",
    default: false,
    group: "Sweep:",
    describe: "Move what is removed aside, so that `regcheck restore` can undo it",
  },
} as const satisfies Record<string, Options>;

/** What is swept, and how. */
export const SWEEP_OPTIONS = {
  sweep: { type: "boolean", default: false, group: "Sweep:", describe: "Remove the garbage, if every safety rule passes" },
  "dry-run": {
    type: "boolean",
    default: false,
    group: "Sweep:",
    describe: "Show what a sweep would remove and what each safety rule says; always wins over --sweep",
  },
  ...WRITER_OPTIONS,
  "purge-uploads": { type: "boolean", default: false, group: "Sweep:", describe: "Remove abandoned uploads too" },
  "prune-empty": { type: "boolean", default: false, group: "Sweep:", describe: "Remove empty repositories too" },
  "max-delete": {
    type: "string",
    default: "50%",
    group: "Sweep:",
    requiresArg: true,
    describe: "Refuse to remove more than this share of all blobs",
  },
  "max-duration": {
    type: "string",
    group: "Sweep:",
    requiresArg: true,
    describe: "End after this time (30m, 2h), at a point that is safe",
  },
  "plan-output": {
    type: "string",
    group: "Sweep:",
    requiresArg: true,
    describe: "With --dry-run: write what would be removed to this file",
  },
  plan: {
    type: "string",
    group: "Sweep:",
    requiresArg: true,
    describe: "Remove only what this file lists, as far as it is garbage still",
  },
} as const satisfies Record<string, Options>;

/** What is read besides what a check needs. `--verify` alone is `--verify=1/1`: see `spellOutVerify`. */
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

/** What is printed, and what the exit code says. */
export const REPORT_OPTIONS = {
  format: { choices: FORMATS, default: "text", group: "Report:", requiresArg: true, describe: "How the report is written" },
  output: { type: "string", group: "Report:", requiresArg: true, describe: "Write the report to this file, atomically" },
  repository: {
    type: "string",
    group: "Report:",
    requiresArg: true,
    describe: "Report on repositories that match this glob only (what is live does not depend on it)",
  },
  "fail-on": {
    choices: FAIL_ON,
    default: "error",
    group: "Report:",
    requiresArg: true,
    describe: "Exit with 1 when there is a finding this bad or worse",
  },
  quiet: { type: "boolean", default: false, group: "Report:", describe: "No progress, and no report when the exit code is 0" },
} as const satisfies Record<string, Options>;

const SECONDS: Readonly<Record<string, number>> = { "": 1, s: 1, m: 60, h: 3600, d: 86_400 };

/** Parses a time span such as `90s`, `30m`, `1h`, `7d` or `0`, to seconds. Throws a `UsageError` that names the option. */
export function parseTimeSpan(option: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)([smhd]?)$/.exec(text);
  const unit = SECONDS[match?.[2] ?? "?"];
  if (match === null || unit === undefined)
    throw new UsageError(`--${option} ${text}: expected a time span such as 30m, 1h or 7d`);
  return Number(match[1]) * unit;
}

/** Parses a share such as `50%`, to a number from 0 to 1. Throws a `UsageError` that names the option. */
export function parseShare(option: string, text: string): number {
  const percent = /^(\d+(?:\.\d+)?)%$/.exec(text)?.[1];
  if (percent === undefined || Number(percent) > 100) throw new UsageError(`--${option} ${text}: expected a share such as 50%`);
  return Number(percent) / 100;
}

/** Parses a part such as `1/7`. Throws a `UsageError`. */
export function parsePart(text: string): VerifyPart {
  const [, part = "", parts = ""] = /^([1-9]\d{0,5})\/([1-9]\d{0,5})$/.exec(text) ?? [];
  if (part === "" || Number(part) > Number(parts))
    throw new UsageError(`--verify=${text}: expected a part such as 1/7, the first of seven; or --verify alone, for all blobs`);
  return { part: Number(part), parts: Number(parts) };
}

/**
 * The command line with `--verify` written as `--verify=1/1`: an option whose value may be left out would take the next argument for
 * it, which is the storage.
 */
export function spellOutVerify(args: readonly string[]): string[] {
  const end = args.includes("--") ? args.indexOf("--") : args.length;
  return args.map((argument, i) => (argument === "--verify" && i < end ? "--verify=1/1" : argument));
}

/** Parses a number of reads or requests under way. Throws a `UsageError`. */
export function parseConcurrency(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,3}$/.test(text) && Number(text) <= 1024) return Number(text);
  throw new UsageError(`--concurrency ${text}: expected a whole number from 1 to 1024`);
}

/** How the catalogue is printed: for people or for programs. */
export const CODES_FORMAT_OPTION = {
  choices: ["text", "json"],
  default: "text",
  requiresArg: true,
  describe: "How the catalogue is written",
} as const satisfies Options;
