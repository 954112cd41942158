import type { Finding } from "../../mark/finding.js";
import { CATALOGUE, severityOf } from "../catalogue.js";
import { consequenceIn, FindingGroups } from "../finding-groups.js";
import type { FindingGroup } from "../finding-groups.js";
import { detailOf } from "../finding-words.js";
import { SEVERITIES, SEVERITY_MARKS } from "../severity.js";
import { asSentence, formatBytes, formatCount } from "../format.js";
import type { Report } from "../report.js";
import { subjectOf } from "../subject.js";
import { html } from "./markup.js";
import type { Markup } from "./markup.js";

/** Findings that one page shows at most; a browser opens that many in under three seconds. */
export const SHOWN_FINDINGS = 100_000;
/** Groups with no more findings than this are unfolded from the start, when they are errors or warnings. */
const UNFOLDED = 25;
/** Rows that a browser lays out together, when they come into view. */
const ROWS_AT_A_TIME = 100;

/** The findings by code and severity, worst first, each with its remedy; in pieces, since there may be many. */
export function* findings(report: Report): Generator<Markup> {
  yield html`<section id="findings"><h2>Findings</h2>`;
  if (Object.keys(report.counts).length === 0) yield html`<p class="note">None.</p>`;
  else yield filter(report);
  const groups = new FindingGroups();
  for (const finding of report.findings()) groups.add(finding, false);
  const limits = shareOut(groups.inOrder(), SHOWN_FINDINGS);
  let group: FindingGroup | undefined;
  let done = 0;
  let limit = 0;
  for (const finding of report.findings()) {
    const own = groups.of(finding);
    if (own !== group) {
      if (group !== undefined) yield groupEnd(group, done);
      group = own;
      done = 0;
      limit = limits.get(own) ?? 0;
      yield groupStart(own);
    }
    if (done >= limit) continue;
    if (done % ROWS_AT_A_TIME === 0) yield listStart(done, limit);
    done++;
    yield row(finding, report.baseline?.isNew(finding) === true);
  }
  if (group !== undefined) yield groupEnd(group, done);
  yield html`</section>
`;
}

/** How many findings of each group are shown when only `most` can be: groups with few show all, the others the same number. */
export function shareOut<Group extends Pick<FindingGroup, "count">>(
  groups: readonly Group[],
  most: number,
): ReadonlyMap<Group, number> {
  const shares = new Map<Group, number>();
  let left = most;
  const ascending = [...groups].sort((a, b) => a.count - b.count);
  for (const [i, group] of ascending.entries()) {
    const share = Math.min(group.count, Math.floor(left / (ascending.length - i)));
    shares.set(group, share);
    left -= share;
  }
  return shares;
}

/** Hidden until the script runs: without it the filter would do nothing. */
function filter({ severities }: Report): Markup {
  const boxes = SEVERITIES.filter((severity) => severities[severity] > 0).map(
    (severity) =>
      html`<label class="${severity}"
        ><input type="checkbox" name="${severity}" checked /> ${severity}
        <small>${formatCount(severities[severity])}</small></label
      >`,
  );
  return html`<form id="filter" hidden role="search">
    <input
      type="search"
      name="text"
      placeholder="Repository, tag, digest, code …"
      aria-label="Filter findings"
      autocomplete="off"
    />
    ${boxes}<output name="count" aria-live="polite"></output>
  </form>`;
}

function groupStart(group: FindingGroup): Markup {
  const { code, severity, count } = group;
  const { meaning, remedy } = CATALOGUE[code];
  const unfolded = count <= UNFOLDED && (severity === "error" || severity === "warning");
  const consequence = consequenceIn(group);
  return html`<details class="code ${severity}" data-severity="${severity}" ${unfolded ? html` open` : undefined}>
    <summary>
      <span class="mark" aria-hidden="true">${SEVERITY_MARKS[severity]}</span><code>${code}</code>
      <span class="count">${formatCount(count)}</span> <span class="severity">${severity}</span
      ><span class="meaning">${meaning}</span
      ><span class="remedy">${remedy}${consequence === undefined ? undefined : html` <em>${asSentence(consequence)}</em>`}</span>
    </summary>
   `;
}

/** Full lists but for the last are laid out when they come into view; how high they are until then is a guess. */
function listStart(done: number, limit: number): Markup {
  const isFull = limit - done > ROWS_AT_A_TIME;
  return html`${done === 0 ? undefined : html`</ol>`}<ol${isFull ? html` class="later"` : undefined}>`;
}

function groupEnd({ count }: FindingGroup, done: number): Markup {
  const left = count - done;
  const rest =
    left > 0 ? html`<p class="note">… and ${formatCount(left)} more. All of them: <code>--format json</code>.</p>` : undefined;
  return html`</ol>${rest}</details>
`;
}

function row(finding: Finding, isNew: boolean): Markup {
  const severity = severityOf(finding);
  const subject = subjectOf(finding);
  const bytes = finding.bytes === undefined ? undefined : html`<b>${formatBytes(finding.bytes)}</b>`;
  const detail = detailOf(finding);
  const words = detail === undefined ? undefined : html`<i>${detail}</i>`;
  // Who repairs by hand needs the path; garbage is swept, and there is much of it.
  const isForHands = (severity === "error" || severity === "warning") && finding.path !== subject && finding.path !== "";
  const path = isForHands ? html`<u>${finding.path}</u>` : undefined;
  return html`<li>${bytes}<code>${subject}</code>${isNew ? html` <em>new</em>` : undefined}${words}${path}`;
}
