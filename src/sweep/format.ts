import { escapeForTerminal } from "../report/escape.js";
import { countOf, formatBytes } from "../report/format.js";
import type { Report } from "../report/report.js";
import { wrapLines } from "../report/wrap.js";
import type { TextOptions } from "../report/wrap.js";
import type { SweepResult } from "./execute.js";
import type { Removed } from "./removed.js";
import { ASKED_LATER, formatRules } from "../guard/format.js";
import type { AskedRules } from "../guard/format.js";
import type { PlanTotals } from "./plan.js";

/** A plan, as much of it as is shown. */
interface Planned extends Omit<AskedRules, "work"> {
  readonly report: Pick<Report, "selected" | "trusted">;
  readonly totals: PlanTotals;
}

/** What a sweep would do and what each rule says of it, for people. `file` is where the plan was written to. */
export function formatPlanned(
  { report, totals, verdicts, refusal }: Planned,
  options: TextOptions,
  file: string | undefined,
): string {
  const isKnown = report.trusted.has(report.selected);
  const lines = isKnown
    ? ["", "A sweep would remove (nothing was changed)", `  ${describePlan(totals)}`]
    : ["", "A sweep would remove nothing: what is garbage cannot be told from this storage"];
  if (file !== undefined)
    lines.push(
      `  The plan is in ${escapeForTerminal(file)}: to sweep exactly this, give --sweep --plan, and the same options again.`,
    );
  lines.push("", ...formatRules({ work: "sweep", verdicts, refusal, later: ASKED_LATER }, options.colour));
  return `${wrapLines(lines, options).join("\n")}\n`;
}

function describePlan({ items, bytes }: PlanTotals): string {
  const counts = [
    countOf(items.blob, "blob"),
    countOf(items.revision, "manifest"),
    countOf(items["layer-link"], "layer link"),
    countOf(items.tag, "tag"),
    countOf(items["tag-index"], "tag history entry", "tag history entries"),
    countOf(items.upload + items.multipart, "upload"),
    ...(items.directory === 0 ? [] : [countOf(items.directory, "empty tag or repository", "empty tags and repositories")]),
  ];
  return `${formatBytes(bytes)} in ${counts.join(", ")}`;
}

/** What is known where a sweep was asked for. */
export interface SweptContext {
  /** The registry's config caches blob descriptors in Redis. */
  readonly hasRedis: boolean;
  /** What `restore` and `purge` have to be given besides the run, with a blank before it; "" for nothing. */
  readonly undoArguments: string;
}

/** What a sweep did, and what the operator has to do now. */
export function formatSwept(
  { result }: { readonly result: SweepResult },
  options: TextOptions,
  { hasRedis, undoArguments }: SweptContext,
): string {
  const { runId, deleted, standing, stopped, quarantined, keepsVersions, journal } = result;
  const undo = escapeForTerminal(undoArguments);
  const lines = ["", `${quarantined ? "Moved to the quarantine" : "Removed"}: ${describe(deleted)}`];
  lines.push(`  Run ${runId}, journal ${escapeForTerminal(journal)}`);
  if (keepsVersions)
    lines.push(
      `  The bucket keeps what was removed as older versions: the space is free when a lifecycle rule expires these. Until then regcheck restore ${runId}${undo} undoes it.`,
    );
  else if (quarantined)
    lines.push(`  Undo it with regcheck restore ${runId}${undo}; free the space with regcheck purge ${runId}${undo}.`);
  lines.push(...standingLines(standing));
  if (stopped !== undefined)
    lines.push("", `STOPPED: ${escapeForTerminal(stopped)}. Nothing that pulled before is broken; run it again to finish.`);
  lines.push(...restartLines(deleted, hasRedis));
  return `${wrapLines(lines, options).join("\n")}\n`;
}

/** Directories that are shown of those that stay. */
const MOST_SHOWN = 10;

function standingLines({ count, first }: SweepResult["standing"]): string[] {
  if (count === 0) return [];
  const shown = first.slice(0, MOST_SHOWN).map(({ directory, cause }) => `    ${escapeForTerminal(`${directory}: ${cause}`)}`);
  const more = count > shown.length ? [`    and ${count - shown.length} more`] : [];
  return [`  ${countOf(count, "directory", "directories")} could not be removed, all else is done:`, ...shown, ...more];
}

/** A cache knows blobs, and which repository has them; of tags and uploads it knows nothing. */
function restartLines({ blobs, revisions, layerLinks }: Readonly<Removed>, hasRedis: boolean): string[] {
  if (blobs + revisions + layerLinks === 0) return [];
  const what = blobs > 0 ? "blobs" : "links";
  return [
    "",
    `Now restart every registry: what it has cached may name ${what} that are gone, and pushes would skip them.`,
    hasRedis
      ? "Its config caches blob descriptors in Redis, which a restart does not empty:"
      : "If its config caches blob descriptors in Redis, empty that too:",
    "  redis-cli --scan --pattern 'blobs::*' | xargs -r redis-cli del",
    "  redis-cli --scan --pattern 'repository::*' | xargs -r redis-cli del",
  ];
}

/** What was removed, in words. */
export function describe({ blobs, bytes, revisions, layerLinks, tags, uploads, repositories }: Readonly<Removed>): string {
  return [
    `${formatBytes(bytes)} in ${countOf(blobs, "blob")}`,
    countOf(revisions, "manifest"),
    countOf(layerLinks, "layer link"),
    countOf(tags, "tag"),
    countOf(uploads, "upload"),
    ...(repositories === 0 ? [] : [countOf(repositories, "empty repository", "empty repositories")]),
  ].join(", ");
}
