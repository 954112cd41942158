import fs from "node:fs";
import { check } from "../check.js";
import type { CheckOptions } from "../check.js";
import { EXIT_CODES, operatorMessage, UsageError } from "../errors.js";
import type { ExitCode } from "../errors.js";
import type { Policy } from "../mark/policy.js";
import { parseGlob } from "../registry/glob.js";
import { SEVERITIES } from "../report/severity.js";
import type { Baseline } from "../report/baseline.js";
import type { BaselineScope } from "../report/baseline-reader.js";
import type { RepositoryFilter } from "../report/repository-filter.js";
import type { Report } from "../report/report.js";
import type { TextOptions } from "../report/wrap.js";
import { untilAborted } from "../until-aborted.js";
import { complain } from "./complain.js";
import type { FailOn, Format } from "./options.js";
import { parsePart, parseTimeSpan } from "./parse-values.js";
import { readBaseline } from "./read-baseline.js";
import { readPins } from "./read-pins.js";
import { readPolicyFile } from "./read-policy-file.js";
import { openStorage } from "./open-storage.js";
import type { OpenedStorage, StorageArguments } from "./open-storage.js";
import { outputsOf } from "./outputs.js";
import { startProgressLine } from "./progress-line.js";
import { TOOL } from "./tool.js";
import { checkDistinct, checkOutputFile, readIfFile, textOptions, writeOutputFile, writeToStdout } from "./write-report.js";
import type { OutputFile } from "./write-report.js";

/** What counts as garbage, as the command line has it. */
export interface PolicyArguments {
  readonly deleteUntagged: boolean;
  readonly dropDanglingTags: boolean;
  readonly grace: string;
  readonly keep: readonly string[] | undefined;
  readonly uploadsOlderThan?: string;
  /** A file. */
  readonly policy?: string | undefined;
}

/** The command line of `regcheck [storage]`, parsed. */
export interface CheckArguments extends StorageArguments, PolicyArguments {
  /** A part such as `1/7`; undefined without `--verify`. */
  readonly verify: string | undefined;
  /** Of what is printed; see `outputsOf`. */
  readonly format: Format | undefined;
  readonly output: readonly string[] | undefined;
  readonly name: string | undefined;
  readonly repository: string | undefined;
  readonly failOn: FailOn;
  readonly baseline: string | undefined;
  readonly updateBaseline: boolean;
  readonly failOnNew: boolean;
  readonly quiet: boolean;
}

/** Checks a storage, prints the report, and says by the exit code how it went. */
export async function runCheck(args: CheckArguments, signal: AbortSignal): Promise<ExitCode> {
  checkOutputFiles(args);
  const opened = await openStorage(args, signal);
  const { storage } = opened;
  try {
    const options = await checkOptions(args, opened, signal);
    const progress = startProgressLine(process.stderr, args.quiet);
    const checking = check(storage, { ...options, onProgress: progress.update });
    const report = await untilAborted(checking, signal).finally(progress.stop);
    const exitCode = exitCodeOf(report, args);
    await writeReport(report, args, exitCode);
    return exitCode;
  } finally {
    await storage.close();
  }
}

/** What the command line says of what is garbage. Throws a `UsageError`. */
export async function policyOf(args: PolicyArguments, signal: AbortSignal): Promise<Policy> {
  return {
    deleteUntagged: args.deleteUntagged,
    dropDanglingTags: args.dropDanglingTags,
    grace: parseTimeSpan("grace", args.grace),
    uploadsOlderThan:
      args.uploadsOlderThan === undefined ? undefined : parseTimeSpan("uploads-older-than", args.uploadsOlderThan),
    now: Math.floor(Date.now() / 1000),
    pins: await readPins(args.keep ?? [], signal),
    retention: args.policy === undefined ? undefined : { ...(await readPolicyFile(args.policy)), detail: "sums" },
  };
}

/** Seconds: how much of the time before an inventory counts as young. It is taken in hours, and what changes meanwhile may be in it or not. */
const INVENTORY_GRACE = 24 * 60 * 60;

/** The policy at the time at which the storage was as it is listed: ages are counted from there. */
export function asOfListing(policy: Policy, { asOf }: Pick<OpenedStorage["storage"], "asOf">): Policy {
  return asOf === undefined ? policy : { ...policy, now: asOf, grace: Math.max(policy.grace, INVENTORY_GRACE) };
}

/** What the command line says of the policy and of the findings to show. Throws a `UsageError`. */
export async function checkOptions(
  args: CheckArguments,
  { storage, owners }: Pick<OpenedStorage, "storage" | "owners">,
  signal: AbortSignal,
): Promise<CheckOptions> {
  if (args.baseline === undefined && (args.failOnNew || args.updateBaseline))
    throw new UsageError(`--${args.failOnNew ? "fail-on-new" : "update-baseline"} goes with --baseline`);
  const filter = args.repository === undefined ? undefined : repositoryFilter(args.repository);
  return {
    name: args.name,
    policy: asOfListing(await policyOf(args, signal), storage),
    owners,
    verify: args.verify === undefined ? undefined : parsePart(args.verify),
    filter,
    baseline: await baselineOf(args, { storage, filter }),
  };
}

/** The report to compare with. The first run of those that update it has none: all that it finds is new. */
async function baselineOf(
  { baseline: file, updateBaseline }: CheckArguments,
  scope: BaselineScope,
): Promise<Baseline | undefined> {
  if (file === undefined) return undefined;
  if (!updateBaseline) return readBaseline(file, scope);
  if (fs.existsSync(file)) {
    const known = await readBaseline(file, scope);
    // What the filter leaves out would be forgotten, and be new again the next night.
    if (scope.filter !== undefined && known.terms.repository !== scope.filter.glob)
      throw new UsageError(
        `--baseline ${file} is of ${known.terms.repository === undefined ? "the whole registry" : `--repository ${known.terms.repository}`}: with --repository and --update-baseline give a file of its own`,
      );
    return known;
  }
  complain(`there is no ${file} yet: all findings count as new`);
  return undefined;
}

/** Refuses files that cannot be written, or that replace one another, before hours of work are done for them. Throws a `UsageError`. */
export function checkOutputFiles({ output, format, baseline, updateBaseline }: CheckArguments, planOutput?: string): void {
  const reports: OutputFile[] = outputsOf({ output, format }).files.map((file) => ({ option: "output", path: file.path }));
  const plans = planOutput === undefined ? [] : [{ option: "plan-output", path: planOutput }];
  const baselines = baseline === undefined ? [] : [{ option: "baseline", path: baseline }];
  const written = [...reports, ...plans, ...(updateBaseline ? baselines : [])];
  for (const file of written) checkOutputFile(file);
  checkDistinct(written);
  // A report may replace the one that it was compared with; a plan is none.
  checkDistinct([...plans, ...baselines]);
}

/** What the exit code says of a report. */
export function exitCodeOf(report: Report, { failOn, failOnNew }: Pick<CheckArguments, "failOn" | "failOnNew">): ExitCode {
  if (!report.complete) return EXIT_CODES.incomplete;
  if (failOn === "never") return EXIT_CODES.clean;
  const counts = failOnNew && report.baseline !== undefined ? report.baseline.newSeverities : report.severities;
  const bad = SEVERITIES.slice(0, SEVERITIES.indexOf(failOn) + 1).some((severity) => counts[severity] > 0);
  return bad ? EXIT_CODES.findings : EXIT_CODES.clean;
}

/** What a report is written with, besides itself. */
export interface ReportExtras {
  /** Names for the JSON report. */
  readonly json?: object;
  /** The findings were reviewed, and a plan made of them: text does not have them again. */
  readonly isKnown?: boolean;
  /** What comes after the text report. */
  readonly text?: (options: TextOptions) => string;
}

/**
 * Writes the report where the command line says, and the baseline for the next run: not unless what is new has been told. Returns whether
 * all was written.
 */
export async function writeReport(
  report: Report,
  args: CheckArguments,
  exitCode: ExitCode,
  extras: ReportExtras = {},
): Promise<boolean> {
  const { files, stdout } = outputsOf(args);
  const { failOnNew } = args;
  for (const file of files) {
    const text = await formatReport(report, file, exitCode, { ...extras, failOnNew });
    writeOutputFile({ option: "output", path: file.path }, text);
  }
  if (stdout !== undefined && (!args.quiet || exitCode !== EXIT_CODES.clean)) {
    const to = { format: stdout, stream: process.stdout };
    if (!(await writeToStdout(await formatReport(report, to, exitCode, { ...extras, failOnNew })))) {
      if (args.updateBaseline) complain(`${args.baseline ?? ""} stays as it is: what is new could not be told on stdout`);
      return false;
    }
  }
  if (!args.updateBaseline || args.baseline === undefined || !report.complete) return true;
  const lines = await formatReport(report, { format: "ndjson" }, exitCode, { failOnNew });
  writeOutputFile({ option: "baseline", path: args.baseline }, lines);
  return true;
}

/** Where a report is written to. */
interface Destination {
  readonly format: Format;
  /** A file's; what it holds may be a part of what replaces it. */
  readonly path?: string;
  readonly stream?: NodeJS.WriteStream;
}

async function formatReport(
  report: Report,
  { format: name, path: file, stream }: Destination,
  exitCode: ExitCode,
  { failOnNew, ...extras }: ReportExtras & Pick<CheckArguments, "failOnNew">,
): Promise<Iterable<string>> {
  if (name === "json") {
    const { formatJson } = await import("../report/json.js");
    return formatJson(report, TOOL, exitCode, extras.json);
  }
  if (name === "ndjson") {
    const { formatNdjson } = await import("../report/ndjson.js");
    return formatNdjson(report, TOOL, exitCode, extras.json);
  }
  if (name === "csv") {
    const { formatCsv } = await import("../report/csv.js");
    return formatCsv(report);
  }
  if (name === "html") {
    const { formatHtml } = await import("../report/html/html.js");
    return formatHtml(report, TOOL, exitCode);
  }
  if (name === "prometheus") {
    const { formatPrometheus } = await import("../report/prometheus.js");
    return [formatPrometheus(report, TOOL, file === undefined ? undefined : readIfFile(file))];
  }
  const { formatText } = await import("../report/text.js");
  const options = { ...textOptions(stream), onlyNew: failOnNew, isKnown: extras.isKnown === true };
  return [formatText(report, options), extras.text?.(options) ?? ""];
}

function repositoryFilter(glob: string): RepositoryFilter {
  try {
    return { glob, matches: parseGlob(glob, "repository") };
  } catch (error) {
    throw new UsageError(`--repository ${operatorMessage(error)}`);
  }
}
