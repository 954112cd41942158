import { EXIT_CODES, UsageError } from "../errors.js";
import type { ExitCode } from "../errors.js";
import type { Verdict } from "../guard/guard.js";
import { RETENTION_RULES } from "../guard/rules.js";
import { journalDirectoryOf } from "./journal-directory.js";
import type { RetentionRequest } from "../retention/retention.js";
import { formatSwept } from "../sweep/format.js";
import { formatPlan, readPlan } from "../sweep/plan-file.js";
import type { PlanItem } from "../sweep/plan.js";
import { tagPath } from "../registry/layout.js";
import { planUntagByPolicy, rehearseUntagByPolicy, untagByPolicy } from "../untag-by-policy.js";
import type { DoneUntag, PlannedUntag, PolicyUntagOptions } from "../untag-by-policy.js";
import { summarize } from "../untag/summary.js";
import { untilAborted } from "../until-aborted.js";
import { complainOfLock, endOf, preview, refusalEnd } from "./ends.js";
import { openStorage, withChanges } from "./open-storage.js";
import type { OpenedStorage, StorageArguments } from "./open-storage.js";
import { parseShare, parseTimeSpan } from "./parse-values.js";
import { startProgressLine } from "./progress-line.js";
import { readPins } from "./read-pins.js";
import { readPolicyFile } from "./read-policy-file.js";
import { writerOptions } from "./sweep-command.js";
import type { WriterArguments } from "./sweep-command.js";
import { TOOL } from "./tool.js";
import { undoArguments } from "./undo-arguments.js";
import { checkOutputFile, textOptions, writeChange, writeOutputFile, writeToStdout } from "./write-report.js";

/** The command line of `regcheck untag --policy`, parsed. */
export interface PolicyUntagArguments extends StorageArguments, WriterArguments {
  readonly policy: string;
  readonly keep: readonly string[] | undefined;
  readonly apply: boolean;
  readonly dryRun: boolean;
  readonly grace: string;
  readonly plan: string | undefined;
  readonly planOutput: string | undefined;
  readonly maxUntag: string;
  readonly allowUnused: boolean;
  readonly allowEmpty: boolean;
  readonly format: "text" | "json" | "ndjson";
  readonly quiet: boolean;
}

/** Shows which tags go by a policy file, or removes them. `words` may be the storage. */
export async function runPolicyUntag(
  given: PolicyUntagArguments,
  words: readonly string[],
  signal: AbortSignal,
): Promise<ExitCode> {
  const args = { ...given, storage: storageOf(given, words) };
  const isPreview = args.dryRun || !args.apply;
  if (args.planOutput !== undefined && !isPreview) throw new UsageError("--plan-output goes without --apply, or with --dry-run");
  if (args.planOutput !== undefined) checkOutputFile({ option: "plan-output", path: args.planOutput });
  const policies = await readPolicyFile(args.policy);
  const opened = await openStorage(args, signal);
  const progress = startProgressLine(process.stderr, args.quiet);
  try {
    const options = await untagOptions(args, opened, { ...policies, detail: isPreview ? "decisions" : "objects" }, signal);
    const watched = { ...options, check: { ...options.check, onProgress: progress.update } };
    const { storage } = opened;
    const done = await withChanges(opened, isPreview, async (changes): Promise<ShownUntag> => {
      const target = { storage, changes };
      if (!isPreview) return { ...(await untagByPolicy(target, watched)), refusal: undefined };
      const planning = args.dryRun ? rehearseUntagByPolicy(target, watched) : preview(planUntagByPolicy(storage, watched));
      const planned = await untilAborted(planning, signal);
      const refusal = planned.refusal ?? policiesRefusal(planned);
      return { ...planned, refusal, result: undefined, lockLeft: undefined };
    });
    progress.stop();
    if (args.planOutput !== undefined)
      writeOutputFile({ option: "plan-output", path: args.planOutput }, formatPlan(done.stages, storage, done.report.policy.now));
    const exitCode = (args.dryRun ? refusalEnd(done) : undefined) ?? exitCodeOf(done, signal);
    const text = (): Promise<Iterable<string>> => format(done, args, opened, { options, isPreview, exitCode });
    if (isPreview) await writeToStdout(await text());
    else if (!args.quiet || exitCode !== EXIT_CODES.clean) await writeChange(text);
    complainOfLock(done);
    return exitCode;
  } finally {
    progress.stop();
    await opened.storage.close();
  }
}

function storageOf({ storage }: PolicyUntagArguments, words: readonly string[]): string | undefined {
  const [word] = words;
  if (words.length > 1 || (word !== undefined && storage !== undefined))
    throw new UsageError(`${words.join(" ")}: with --policy, no tags are named, and one storage`);
  return word ?? storage;
}

async function untagOptions(
  args: PolicyUntagArguments,
  opened: OpenedStorage,
  request: RetentionRequest,
  signal: AbortSignal,
): Promise<PolicyUntagOptions> {
  const allows = args.plan === undefined ? undefined : (await readPlan(args.plan, opened.storage)).allows;
  const retention = { ...request, isPlanned: allows && isPlannedBy(allows) };
  const pins = await readPins(args.keep ?? [], signal);
  const grace = parseTimeSpan("grace", args.grace);
  const now = Math.floor(Date.now() / 1000);
  return {
    check: { policy: { deleteUntagged: false, dropDanglingTags: false, grace, now, pins, retention }, owners: opened.owners },
    writers: writerOptions(args, opened),
    maxUntag: parseShare("max-untag", args.maxUntag),
    allowUnused: args.allowUnused,
    allowEmpty: args.allowEmpty,
    quarantine: args.quarantine,
    journalDirectory: journalDirectoryOf(args),
    signal,
  };
}

function isPlannedBy(allows: (item: PlanItem) => boolean): RetentionRequest["isPlanned"] {
  return (repository, tag, digest) =>
    allows({ kind: "tag", path: tagPath(repository, tag), bytes: 0, repository, tag, digest: digest.toString() });
}

/** What is shown of tags that went, or would go. */
interface ShownUntag extends DoneUntag {
  readonly refusal: Verdict | undefined;
}

/** Without --dry-run, a preview asks whether the policies themselves are refused; who is at work by then, it cannot tell. */
function policiesRefusal({ report, verdicts }: PlannedUntag): Verdict | undefined {
  return report.complete ? verdicts.find(({ rule, passed }) => rule in RETENTION_RULES && !passed) : undefined;
}

function exitCodeOf(done: ShownUntag, signal: AbortSignal): ExitCode {
  if (!done.report.complete) return EXIT_CODES.incomplete;
  return refusalEnd(done) ?? endOf(done, signal) ?? EXIT_CODES.clean;
}

interface Shown {
  readonly options: PolicyUntagOptions;
  readonly isPreview: boolean;
  readonly exitCode: ExitCode;
}

async function format(
  { marked, report, verdicts, refusal, result, lockLeft }: ShownUntag,
  args: PolicyUntagArguments,
  opened: OpenedStorage,
  { options, isPreview, exitCode }: Shown,
): Promise<Iterable<string>> {
  const { policy } = options.check;
  const { table, repositories } = marked;
  const shown = { ...summarize(repositories, policy.retention.retention), table, repositories, verdicts, refusal };
  if (args.format !== "text") {
    const { formatJson, formatNdjson } = await import("../untag/json.js");
    const told = { ...shown, report, policy, applied: !isPreview, result, lockLeft };
    return args.format === "json" ? formatJson(told, TOOL, exitCode) : formatNdjson(told, TOOL, exitCode);
  }
  const { formatGone, formatPreview } = await import("../untag/text.js");
  const layout = textOptions(process.stdout);
  const all = { ...shown, now: policy.now, planFile: args.planOutput };
  if (isPreview) return formatPreview(all, layout);
  if (result === undefined) return ["No tag goes: nothing was changed.\n"];
  return concat(formatGone(all, layout), [
    formatSwept({ result }, layout, { hasRedis: opened.config?.redis ?? false, undoArguments: undoArguments(args, opened) }),
  ]);
}

function* concat(...parts: readonly Iterable<string>[]): Generator<string> {
  for (const part of parts) yield* part;
}
