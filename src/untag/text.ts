import type { Verdict } from "../guard/guard.js";
import { ASKED_LATER, formatRules } from "../guard/format.js";
import type { BlobTable } from "../mark/blob-table.js";
import type { MarkedRepository } from "../mark/marked-repository.js";
import { isUnjudged } from "../mark/retention.js";
import type { TagDecision } from "../mark/retention.js";
import { escapeForTerminal } from "../report/escape.js";
import { countOf, formatCount } from "../report/format.js";
import { withStyle } from "../report/style.js";
import { whyOf } from "../report/tag-decision.js";
import { toAscii } from "../report/ascii.js";
import { wrapLines, wrapText } from "../report/wrap.js";
import type { TextOptions } from "../report/wrap.js";
import type { RetentionSummary } from "./summary.js";

/** What is shown of the tags, for people. */
export interface ShownTags extends RetentionSummary {
  readonly table: BlobTable;
  readonly repositories: readonly MarkedRepository[];
  readonly verdicts: readonly Verdict[];
  /** The rule that would refuse it, if one would. */
  readonly refusal: Verdict | undefined;
  /** Seconds since 1970 that ages are counted from. */
  readonly now: number;
  /** Where the plan was written to. */
  readonly planFile: string | undefined;
}

/** Every tag with what becomes of it, then the figures, and what each rule says. In pieces: there may be many. */
export function* formatPreview(shown: ShownTags, options: TextOptions): Generator<string> {
  const { totals, policies, verdicts, refusal, planFile } = shown;
  yield* tagLines(shown, options, () => true);
  const takes = policies.map(({ name, action, decides }) =>
    escapeForTerminal(`${name}: ${action === "delete" ? "takes" : "keeps"} ${countOf(decides, "tag")}`),
  );
  const lines = totals.tags === 0 ? takes : ["", ...takes];
  const referrers =
    totals.referrersGo === 0 ? "" : `, and ${formatCount(totals.referrersGo)} of signatures and other referrers with them`;
  const unjudged = totals.unjudged === 0 ? "" : `; ${countOf(totals.unjudged, "tag")} not judged`;
  lines.push(
    "",
    `${formatCount(totals.goes)} of ${countOf(totals.judged, "tag")} would go${referrers}${unjudged} (nothing was changed; --apply removes them)`,
  );
  if (planFile !== undefined)
    lines.push(`The plan is in ${escapeForTerminal(planFile)}: remove exactly these with --apply --plan.`);
  lines.push("", ...formatRules({ work: "untag", verdicts, refusal, later: ASKED_LATER }, options.colour));
  yield `${wrapLines(lines, options).join("\n")}\n`;
}

/** The tags that have gone. */
export function* formatGone(shown: ShownTags, options: TextOptions): Generator<string> {
  yield* tagLines(shown, options, ({ goes }) => goes);
}

/** Some of the tags, by repository. */
function* tagLines(shown: ShownTags, options: TextOptions, choose: (decision: TagDecision) => boolean): Generator<string> {
  let before = "";
  for (const { name, retention } of [...shown.repositories].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const all = retention?.decisions ?? [];
    const decisions = all.filter(choose);
    if (decisions.length === 0) continue;
    const going = all.filter(({ goes }) => goes).length;
    yield `${before}${withStyle("bold", escapeForTerminal(name), options)}: ${formatCount(going)} of ${countOf(all.length, "tag")}\n`;
    yield* rowsOf(decisions, shown, options);
    before = "\n";
  }
}

/** The widest that a column for tags gets, in characters. */
const WIDEST_TAG = 40;

/** A row for each tag; where the terminal is too narrow for it, what is said of the tag stands below. */
function* rowsOf(decisions: readonly TagDecision[], shown: ShownTags, options: TextOptions): Generator<string> {
  const { width = Number.POSITIVE_INFINITY } = options;
  const widest = decisions.reduce((most, { tag }) => Math.max(most, escapeForTerminal(tag).length), 0);
  const column = Math.min(WIDEST_TAG, widest);
  for (const decision of decisions) {
    const { word, tag, time, digest, why } = cellsOf(decision, shown, options);
    const isRow = BEFORE_TAG + Math.max(column, tag.length) + COLUMNS + why.length <= width;
    const about = [time.replaceAll(/ +/g, " "), digest, why].filter((cell) => cell !== "").join(", ");
    const lines = isRow
      ? [`  ${word}  ${tag.padEnd(column)}  ${time.padEnd(TIME_WIDTH)}  ${digest.padEnd(SHOWN_DIGEST)}  ${why}`]
      : [`  ${word}  ${tag}`, ...wrapText(about, options, " ".repeat(BEFORE_TAG))];
    for (const line of lines) yield `${options.ascii === true ? toAscii(line) : line}\n`;
  }
}

/** What a row says of a tag, each of it escaped. */
function cellsOf(decision: TagDecision, { table, now }: ShownTags, options: TextOptions) {
  const { tag, image, pushed, goes } = decision;
  return {
    word: isUnjudged(decision) ? "  –  " : goes ? withStyle("yellow", "goes ", options) : "stays",
    tag: escapeForTerminal(tag),
    time: pushed === undefined ? "" : `${timeOf(pushed)} ${ageOf(now - pushed)}`,
    digest: image === undefined ? "" : table.digest(image).toString().slice(0, SHOWN_DIGEST),
    why: escapeForTerminal(whyOf(decision)),
  };
}

const SHOWN_DIGEST = "sha256:".length + 12;
const TIME_WIDTH = "2026-11-26 14:00 UTC    99 min".length;
/** What stands before a tag in its row, and between it and the reason. */
const BEFORE_TAG = "  stays  ".length;
const COLUMNS = "  ".length + TIME_WIDTH + "  ".length + SHOWN_DIGEST + "  ".length;

function timeOf(seconds: number): string {
  const text = new Date(seconds * 1000).toISOString();
  return `${text.slice(0, 10)} ${text.slice(11, 16)} UTC`;
}

/** How long ago, in the largest unit of which there are two. */
function ageOf(seconds: number): string {
  const [unit, size] = AGES.find(([, length]) => seconds >= 2 * length) ?? ["s", 1];
  return `${Math.max(0, Math.floor(seconds / size))} ${unit}`.padStart(9);
}

const AGES = [
  ["days", 86_400],
  ["h", 3600],
  ["min", 60],
] as const;
