import type { Finding, FindingCode } from "../../mark/finding.js";
import { CATALOGUE, consequenceOf, severityOf } from "../catalogue.js";
import { detailOf } from "../finding-words.js";
import { SEVERITIES, SEVERITY_MARKS } from "../severity.js";
import { asSentence, formatBytes, formatCount } from "../format.js";
import type { Report } from "../report.js";
import type { FindingCounts } from "../repository-report.js";
import { subjectOf } from "../subject.js";
import { html } from "./markup.js";
import type { Markup } from "./markup.js";

/** Findings that one page shows at most; a browser opens that many in under three seconds. */
export const SHOWN_FINDINGS = 100_000;
/** Codes with no more findings than this are unfolded from the start, when they are errors or warnings. */
const UNFOLDED = 25;
/** Rows that a browser lays out together, when they come into view. */
const ROWS_AT_A_TIME = 100;

/** The findings by code, worst first, each with its remedy; in pieces, since there may be many. */
export function* findings(report: Report): Generator<Markup> {
  yield html`<section id="findings"><h2>Findings</h2>`;
  if (Object.keys(report.counts).length === 0) yield html`<p class="note">None.</p>`;
  else yield filter(report);
  const limits = shareOut(report.counts, SHOWN_FINDINGS);
  let code: FindingCode | undefined;
  let done = 0;
  let limit = 0;
  for (const finding of report.findings()) {
    if (finding.code !== code) {
      if (code !== undefined) yield groupEnd(code, done, report);
      code = finding.code;
      done = 0;
      limit = limits.get(code) ?? 0;
      yield groupStart(finding, report.counts[code] ?? 0);
    }
    if (done >= limit) continue;
    if (done % ROWS_AT_A_TIME === 0) yield listStart(done, limit);
    done++;
    yield row(finding, report.baseline?.isNew(finding) === true);
  }
  if (code !== undefined) yield groupEnd(code, done, report);
  yield html`</section>
`;
}

/** How many findings of each code are shown when only `most` can be: codes with few show all, the others the same number. */
export function shareOut(counts: FindingCounts, most: number): ReadonlyMap<string, number> {
  const shares = new Map<string, number>();
  let left = most;
  const ascending = Object.entries(counts).sort(([, a], [, b]) => a - b);
  for (const [i, [code, count]] of ascending.entries()) {
    const share = Math.min(count, Math.floor(left / (ascending.length - i)));
    shares.set(code, share);
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

function groupStart(first: Finding, count: number): Markup {
  const { meaning, remedy } = CATALOGUE[first.code];
  const severity = severityOf(first);
  const unfolded = count <= UNFOLDED && (severity === "error" || severity === "warning");
  const consequence = consequenceOf(first.code);
  return html`<details class="code ${severity}" data-severity="${severity}" ${unfolded ? html` open` : undefined}>
    <summary>
      <span class="mark" aria-hidden="true">${SEVERITY_MARKS[severity]}</span><code>${first.code}</code>
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

function groupEnd(code: FindingCode, done: number, { counts }: Report): Markup {
  const left = (counts[code] ?? 0) - done;
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
