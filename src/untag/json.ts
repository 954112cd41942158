import type { ExitCode } from "../errors.js";
import type { Verdict } from "../guard/guard.js";
import type { BlobTable } from "../mark/blob-table.js";
import type { Policy } from "../mark/policy.js";
import type { MarkedRepository } from "../mark/marked-repository.js";
import type { Tool } from "../report/json.js";
import { jsonLine } from "../json-line.js";
import { jsonDecision } from "../report/tag-decision.js";
import type { Report } from "../report/report.js";
import type { SweepResult } from "../sweep/execute.js";
import type { RetentionSummary } from "./summary.js";

const SCHEMA_VERSION = "1.0";

/** What is told of the tags, for programs. */
export interface ToldTags extends RetentionSummary {
  readonly report: Report;
  readonly policy: Policy;
  readonly table: BlobTable;
  readonly repositories: readonly MarkedRepository[];
  readonly verdicts: readonly Verdict[];
  /** The rule that would refuse it, if it was only shown and one would. */
  readonly refusal: Verdict | undefined;
  /** Whether tags were to be removed, rather than shown. */
  readonly applied: boolean;
  /** Undefined where nothing was removed. */
  readonly result: SweepResult | undefined;
  /** What is to be said of a lock that is still there. */
  readonly lockLeft: string | undefined;
}

/** Every tag with what becomes of it, as JSON text in pieces. `untag.schema.json` describes it. */
export function* formatJson(told: ToldTags, tool: Tool, exitCode: ExitCode): Generator<string> {
  const head = JSON.stringify(summaryOf(told, tool, exitCode), undefined, 2);
  yield `${head.slice(0, -2)},\n  "tags": [`;
  let separator = "\n    ";
  for (const tag of tagsOf(told)) {
    yield separator + JSON.stringify(tag);
    separator = ",\n    ";
  }
  yield `${separator === "\n    " ? "" : "\n  "}]\n}\n`;
}

/** The same as lines, an object each: an `untag` line, a `tag` line for each tag, and an `end` line that proves that nothing is missing. */
export function* formatNdjson(told: ToldTags, tool: Tool, exitCode: ExitCode): Generator<string> {
  const line = (type: "untag" | "tag" | "end", value: object): string => jsonLine({ type, ...value });
  yield line("untag", summaryOf(told, tool, exitCode));
  let tags = 0;
  for (const tag of tagsOf(told)) {
    tags++;
    yield line("tag", tag);
  }
  yield line("end", { tags });
}

function summaryOf(
  { report, policy, totals, policies, verdicts, refusal, applied, result, lockLeft }: ToldTags,
  tool: Tool,
  exitCode: ExitCode,
) {
  return {
    schemaVersion: SCHEMA_VERSION,
    tool,
    storage: report.storage,
    startedAt: new Date(report.startedAt).toISOString(),
    finishedAt: new Date(report.finishedAt).toISOString(),
    complete: report.complete,
    exitCode,
    applied,
    policy: { file: policy.retention?.file, grace: policy.grace, pins: report.pins.given },
    policies,
    totals,
    verdicts,
    refusedBy: refusal?.rule,
    lockLeft,
    untag: result,
  };
}

function* tagsOf({ repositories, table }: ToldTags) {
  for (const { name, retention } of [...repositories].sort((a, b) => (a.name < b.name ? -1 : 1)))
    for (const decision of retention?.decisions ?? []) yield { repository: name, ...jsonDecision(decision, table) };
}
