import { EXIT_CODES, UsageError } from "../errors.js";
import type { ExitCode } from "../errors.js";
import { showUrl } from "../show-url.js";
import { rehearseSweep, sweep } from "../sweep.js";
import type { DoneSweep, PlannedSweep, SweepOptions } from "../sweep.js";
import { journalDirectoryOf } from "./journal-directory.js";
import type { Policy } from "../mark/policy.js";
import { formatPlan, readPlan } from "../sweep/plan-file.js";
import type { ReviewedPlan } from "../sweep/plan-file.js";
import { leftOutNotice } from "../sweep/left-out.js";
import type { LeftOut } from "../sweep/left-out.js";
import { lackingOptions, planTerms } from "../sweep/plan-terms.js";
import { formatPlanned, formatSwept } from "../sweep/format.js";
import { probeOptions } from "../guard/probe.js";
import type { Rehearsed } from "../guard/change-under-guard.js";
import { complain } from "./complain.js";
import { complainOfLock, endOf, refusalEnd } from "./ends.js";
import { untilAborted } from "../until-aborted.js";
import { checkOptions, checkOutputFiles, exitCodeOf, writeReport } from "./check-command.js";
import type { CheckArguments } from "./check-command.js";
import { openStorage, withChanges } from "./open-storage.js";
import type { OpenedStorage } from "./open-storage.js";
import { parseShare, parseTimeSpan } from "./parse-values.js";
import { undoArguments } from "./undo-arguments.js";
import { startProgressLine } from "./progress-line.js";
import { textOptions, writeOutputFile } from "./write-report.js";

/** How it is known that nobody writes, as the command line has it. */
export interface WriterArguments {
  readonly registryUrl: readonly string[] | undefined;
  readonly registryStopped: boolean;
  readonly journalDir: string | undefined;
  readonly quarantine: boolean;
}

/** The command line of a sweep, parsed. */
export interface SweepArguments extends CheckArguments, WriterArguments {
  readonly sweep: boolean;
  readonly dryRun: boolean;
  readonly purgeUploads: boolean;
  readonly pruneEmpty: boolean;
  readonly maxDelete: string;
  readonly maxDuration: string | undefined;
  readonly plan: string | undefined;
  readonly planOutput: string | undefined;
}

/** Plans a sweep and shows it, or does it. */
export async function runSweep(args: SweepArguments, signal: AbortSignal): Promise<ExitCode> {
  if (args.planOutput !== undefined && !args.dryRun) throw new UsageError("--plan-output goes with --dry-run");
  if (args.inventory !== undefined && args.sweep)
    throw new UsageError(
      "--inventory is never swept on: it is hours old. Make a plan of it with --dry-run --plan-output FILE, and give that to --sweep --plan FILE",
    );
  checkOutputFiles(args, args.planOutput);
  const opened = await openStorage(args, signal);
  const progress = startProgressLine(process.stderr, args.quiet);
  try {
    const options = await sweepOptions(args, opened, signal);
    const watched = { ...options, check: { ...options.check, onProgress: progress.update }, onProgress: progress.removed };
    const { storage } = opened;
    if (args.dryRun) {
      const planned = await withChanges(opened, true, (changes) =>
        untilAborted(rehearseSweep({ storage, changes }, watched), signal),
      );
      progress.stop();
      return await showPlan(planned, args, opened);
    }
    // From the first delete on, a signal ends it at the next batch.
    const done = await withChanges(opened, false, (changes) => sweep({ storage, changes }, { ...watched, onLeftOut }));
    progress.stop();
    return await showResult(done, args, opened, signal);
  } finally {
    progress.stop();
    await opened.storage.close();
  }
}

/** Says before anything goes that options are missing: there is time to stop it. What else keeps an item is in the report. */
function onLeftOut(leftOut: LeftOut): void {
  if (leftOut.lacking?.length !== 0) complain(leftOutNotice(leftOut));
}

/** Who may be writing, as the command line, the config and the environment say. */
export function writerOptions(
  args: Pick<WriterArguments, "registryUrl" | "registryStopped">,
  { config }: OpenedStorage,
): SweepOptions["writers"] {
  for (const url of args.registryUrl ?? []) checkUrl(url);
  return {
    registryUrls: args.registryUrl ?? [],
    registryStopped: args.registryStopped,
    config,
    probe: probeOptions(process.env),
  };
}

function checkUrl(url: string): void {
  if (!/^https?:\/\//.test(url) || !URL.canParse(url))
    throw new UsageError(`--registry-url ${showUrl(url)}: expected a URL such as http://registry:5000`);
  const { username, password } = new URL(url);
  if (username !== "" || password !== "")
    throw new UsageError(
      `--registry-url ${showUrl(url)}: a password on the command line can be read by everybody here; set REGCHECK_REGISTRY_USERNAME and REGCHECK_REGISTRY_PASSWORD`,
    );
}

async function sweepOptions(args: SweepArguments, opened: OpenedStorage, signal: AbortSignal): Promise<SweepOptions> {
  const check = await checkOptions(args, opened, signal);
  const plan = args.plan === undefined ? undefined : await readPlan(args.plan, opened.storage);
  const terms = planTerms(check.policy, args, check.filter?.glob);
  return {
    check: plan === undefined ? check : { ...check, policy: asOfPlan(check.policy, plan) },
    writers: writerOptions(args, opened),
    purgeUploads: args.purgeUploads,
    pruneEmpty: args.pruneEmpty,
    maxDelete: parseShare("max-delete", args.maxDelete),
    maxDuration: args.maxDuration === undefined ? undefined : parseTimeSpan("max-duration", args.maxDuration) * 1000,
    quarantine: args.quarantine,
    journalDirectory: journalDirectoryOf(args),
    reviewed: plan && { ...plan, lacking: plan.terms && lackingOptions(plan.terms, terms) },
    signal,
  };
}

/** Ages are counted from when the plan was made: what was pushed since was not reviewed, and stays with all that it names. */
function asOfPlan(policy: Policy, { asOf }: ReviewedPlan): Policy {
  return { ...policy, grace: policy.grace + Math.max(0, policy.now - asOf) };
}

async function showPlan(planned: Rehearsed<PlannedSweep>, args: SweepArguments, { storage }: OpenedStorage): Promise<ExitCode> {
  const { report, stages, totals, verdicts, refusal } = planned;
  if (args.planOutput !== undefined)
    writeOutputFile(
      { option: "plan-output", path: args.planOutput },
      formatPlan(stages, storage, report.policy.now, planTerms(report.policy, args, report.filter?.glob)),
    );
  const exitCode = refusalEnd(planned) ?? exitCodeOf(report, args);
  const asked = { verdicts, refusedBy: refusal?.rule };
  await writeReport(report, args, exitCode, {
    json: report.trusted.has(report.selected) ? { plan: totals, ...asked } : asked,
    text: (options) => formatPlanned(planned, options, args.planOutput),
  });
  return exitCode;
}

async function showResult(done: DoneSweep, args: SweepArguments, opened: OpenedStorage, signal: AbortSignal): Promise<ExitCode> {
  const { report, result, verdicts, lockLeft } = done;
  const exitCode = endOf(done, signal) ?? exitCodeOf(report, args);
  const context = { hasRedis: opened.config?.redis ?? false, undoArguments: undoArguments(args, opened) };
  let isWritten = false;
  try {
    isWritten = await writeReport(report, { ...args, quiet: args.quiet && exitCode === EXIT_CODES.clean }, exitCode, {
      json: { verdicts, sweep: result, lockLeft },
      isKnown: args.plan !== undefined,
      text: (options) => formatSwept(done, options, context),
    });
  } finally {
    // What was removed must be known, wherever the report could not be written to.
    if (!isWritten) process.stderr.write(formatSwept(done, textOptions(undefined), context));
    complainOfLock(done);
  }
  return exitCode;
}
