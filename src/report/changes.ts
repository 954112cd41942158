import type { Comparison } from "./baseline.js";
import { formatCount } from "./format.js";
import type { FindingCounts } from "./repository-report.js";

/** What has changed since the baseline, in a sentence: `Since 2026-11-24 02:15 UTC: 1 new (1 tag-dangling), 0 gone`. */
export function changesSince({ startedAt, complete, newByCode, goneByCode, unread, ...count }: Comparison): string {
  const time = new Date(startedAt).toISOString();
  const changes = `${describe(count.new, "new", newByCode)}, ${describe(count.gone, "gone", goneByCode)}`;
  const unlooked = unread.length === 0 ? "" : `, ${formatCount(unread.length)} not looked at again (blob-corrupt)`;
  const doubt = complete ? "" : ". That run was incomplete: what is new may be older";
  return `Since ${time.slice(0, 10)} ${time.slice(11, 16)} UTC: ${changes}${unlooked}${doubt}`;
}

function describe(count: number, word: string, byCode: FindingCounts): string {
  const codes = Object.entries(byCode).map(([code, some]) => `${formatCount(some)} ${code}`);
  return `${formatCount(count)} ${word}${codes.length === 0 ? "" : ` (${codes.join(", ")})`}`;
}
