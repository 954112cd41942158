import { check } from "../check.js";
import type { CheckOptions } from "../check.js";
import { EXIT_CODES } from "../errors.js";
import type { ExitCode } from "../errors.js";
import { SEVERITIES } from "../report/catalogue.js";
import type { Report } from "../report/report.js";
import type { TextOptions } from "../report/text.js";
import type { FailOn, Format } from "./options.js";
import { parsePart, parseTimeSpan } from "./options.js";
import { openStorage } from "./open-storage.js";
import type { StorageArguments } from "./open-storage.js";
import { untilAborted } from "./signals.js";
import { startProgressLine } from "./progress-line.js";
import { TOOL } from "./tool.js";
import { checkOutputFile, writeOutputFile, writeToStream } from "./write-report.js";

/** The command line of `regcheck [storage]`, parsed. */
export interface CheckArguments extends StorageArguments {
  readonly deleteUntagged: boolean;
  readonly dropDanglingTags: boolean;
  readonly grace: string;
  /** A part such as `1/7`; undefined without `--verify`. */
  readonly verify: string | undefined;
  readonly format: Format;
  readonly output: string | undefined;
  readonly repository: string | undefined;
  readonly failOn: FailOn;
  readonly quiet: boolean;
}

/** Checks a storage, prints the report, and says by the exit code how it went. */
export async function runCheck(args: CheckArguments, signal: AbortSignal): Promise<ExitCode> {
  const options = await checkOptions(args);
  if (args.output !== undefined) checkOutputFile({ option: "output", path: args.output });
  const { storage } = await openStorage(args);
  const progress = startProgressLine(process.stderr, args.quiet);
  try {
    const checking = check(storage, { ...options, onProgress: progress.update });
    const report = await untilAborted(checking, signal);
    progress.stop();
    const exitCode = exitCodeOf(report, args.failOn);
    await writeReport(report, args, exitCode, signal);
    return exitCode;
  } finally {
    progress.stop();
    await storage.close();
  }
}

/** What the command line says of the policy and of the findings to show. Throws a `UsageError`. */
export async function checkOptions(args: CheckArguments): Promise<CheckOptions> {
  return {
    policy: {
      deleteUntagged: args.deleteUntagged,
      dropDanglingTags: args.dropDanglingTags,
      grace: parseTimeSpan("grace", args.grace),
      now: Math.floor(Date.now() / 1000),
      pins: [],
    },
    verify: args.verify === undefined ? undefined : parsePart(args.verify),
    matchesRepository: args.repository === undefined ? undefined : await globMatcher(args.repository),
  };
}

/** What the exit code says of a report. */
export function exitCodeOf(report: Report, failOn: FailOn): ExitCode {
  if (!report.complete) return EXIT_CODES.incomplete;
  if (failOn === "never") return EXIT_CODES.clean;
  const bad = SEVERITIES.slice(0, SEVERITIES.indexOf(failOn) + 1).some((severity) => report.severities[severity] > 0);
  return bad ? EXIT_CODES.findings : EXIT_CODES.clean;
}

/** What a report is written with, besides itself. */
export interface ReportExtras {
  /** Names for the JSON report. */
  readonly json?: object;
  /** What comes after the text report. */
  readonly text?: (options: TextOptions) => string;
}

/** Writes the report where the command line says. */
export async function writeReport(
  report: Report,
  args: Pick<CheckArguments, "format" | "output" | "quiet">,
  exitCode: ExitCode,
  signal: AbortSignal,
  extras: ReportExtras = {},
): Promise<void> {
  if (args.output !== undefined)
    await writeOutputFile({ option: "output", path: args.output }, await format(report, args.format, exitCode, extras), signal);
  else if (!args.quiet || exitCode !== EXIT_CODES.clean)
    await writeToStream(process.stdout, await format(report, args.format, exitCode, extras, process.stdout));
}

async function format(
  report: Report,
  name: Format,
  exitCode: ExitCode,
  extras: ReportExtras,
  stream?: NodeJS.WriteStream,
): Promise<Iterable<string>> {
  if (name === "json") {
    const { formatJson } = await import("../report/json.js");
    return formatJson(report, TOOL, exitCode, extras.json);
  }
  if (name === "html") {
    const { formatHtml } = await import("../report/html/html.js");
    return formatHtml(report, TOOL, exitCode);
  }
  const { formatText } = await import("../report/text.js");
  const isTerminal = stream?.isTTY === true;
  const colour = isTerminal && (process.env["NO_COLOR"] ?? "") === "" && process.env["TERM"] !== "dumb";
  const options = { colour, width: isTerminal ? stream.columns : undefined };
  return [formatText(report, options), extras.text?.(options) ?? ""];
}

async function globMatcher(glob: string): Promise<(name: string) => boolean> {
  const { default: picomatch } = await import("picomatch");
  return picomatch(glob, { dot: true });
}
