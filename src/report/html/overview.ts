import { ownLines } from "../own-lines.js";
import type { Report } from "../report.js";
import { changesSince } from "../changes.js";
import { countOf, formatBytes, formatCount, formatDollars, formatDuration } from "../format.js";
import type { GarbageAge } from "../garbage-ages.js";
import { filterNote } from "../repository-filter.js";
import { storedLine } from "../stored-bytes.js";
import { tagsThatGo } from "../repository-report.js";
import { abandonedWords } from "../upload-sums.js";
import { shownVariants, VARIANT_LABELS } from "../variant-labels.js";
import { verdictOf } from "../verdict.js";
import { html } from "./markup.js";
import type { Markup } from "./markup.js";

/** The top of the page: what was checked, the verdict, and what makes it less than the whole truth. */
export function overview(report: Report): Markup {
  const { name, storage, startedAt, finishedAt, notices, baseline, filter } = report;
  const { word, colour, sentence } = verdictOf(report);
  const time = new Date(finishedAt).toISOString();
  const shown = `${time.slice(0, 10)} ${time.slice(11, 16)} UTC`;
  return html`<header>
      <p class="about">
        <b>regcheck</b> <span>${name}</span> <span>${storage.driver}</span> <time datetime="${time}">${shown}</time>
        <span>read in ${formatDuration(finishedAt - startedAt)}</span>
      </p>
      <h1>${storage.location}</h1>
      <p class="verdict ${colour}"><strong>${word}</strong> <span>${sentence}</span></p>
      ${baseline === undefined ? undefined : html`<p class="note">${changesSince(baseline)}.</p>`}
      ${filter === undefined ? undefined : html`<p class="note">${filterNote(filter, report.repositories.length, report.totals.repositories)}</p>`}
      <p class="note">${storedLine(report.stored)}.</p>
      ${ownLines(report.own).map((line) => html`<p class="note">${line}</p>`)}
      ${notices.map((notice) => html`<p class="notice">${notice}</p>`)}
    </header>
    ${totals(report)}`;
}

function totals({ totals: all, requests, requestCost, storage, pins, verified }: Report): Markup {
  const figures: (readonly [string, string])[] = [
    [formatBytes(all.blobBytes), "stored"],
    [formatCount(all.blobs), "blobs"],
    [formatCount(all.repositories), "repositories"],
    [formatCount(all.tags), "tags"],
    [formatCount(all.revisions), "manifests"],
    [formatCount(all.layerLinks), "layer links"],
    [`${formatCount(all.uploads)} (${formatBytes(all.uploadBytes)})`, "uploads"],
  ];
  if (verified !== undefined) {
    const part = verified.parts === 1 ? "" : `, part ${verified.part} of ${verified.parts}`;
    figures.push([formatBytes(verified.bytes), `verified${part}`]);
  }
  if (storage.driver === "s3") {
    figures.push([formatCount(requests.list + requests.get + requests.head + requests.put + requests.delete), "requests"]);
    if (requestCost !== undefined) figures.push([`≈ ${formatDollars(requestCost)}`, "at AWS's list prices"]);
  }
  if (pins.given > 0) figures.push([`${formatCount(pins.found)} of ${formatCount(pins.given)}`, "pins found"]);
  return html`<dl class="totals">
    ${figures.map(
      ([figure, name]) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${figure}</dd>
        </div>`,
    )}
  </dl>`;
}

/** What each policy would reclaim. */
export function reclaimable({ reclaimable: all, abandoned, selected, trusted, policy, repositories }: Report): Markup {
  const variants = shownVariants({ trusted, policy });
  const most = Math.max(abandoned.bytes, ...variants.map((variant) => all[variant].bytes));
  const rows = variants.map((variant) => {
    const { words, option } = VARIANT_LABELS[variant];
    const label = option === undefined ? words : html`${words} <code>${option}</code>`;
    const { bytes, blobs, revisions, layerLinks } = all[variant];
    const tags = variant === "withPolicy" ? `, ${countOf(tagsThatGo({ repositories }), "tag")}` : "";
    const what = `${countOf(blobs, "blob")}, ${countOf(revisions, "manifest")}, ${countOf(layerLinks, "layer link")}${tags}`;
    const isSelected = variant === selected;
    return html`<tr${isSelected ? html` class="selected"` : undefined}><th scope="row">${label}${isSelected ? html` <small>selected</small>` : undefined}</th><td class="number">${formatBytes(bytes)}</td><td class="bar">${bar(bytes, most)}<small>${what}</small></td></tr>
`;
  });
  const uploads =
    abandoned.uploads === 0
      ? undefined
      : html`<tr>
          <th scope="row">with <code>--purge-uploads</code></th>
          <td class="number">${formatBytes(abandoned.bytes)}</td>
          <td class="bar">${bar(abandoned.bytes, most)}<small>more: ${abandonedWords(abandoned)}</small></td>
        </tr>`;
  const grace =
    policy.grace === 0
      ? undefined
      : html`<p class="note">
          Blobs younger than ${formatDuration(policy.grace * 1000)} are not counted (<code>--grace</code>).
        </p>`;
  const file =
    policy.retention === undefined
      ? undefined
      : html`<p class="note">
          <code>--policy</code>: once <code>regcheck untag --policy ${policy.retention.file} --apply</code> has removed these
          tags, a sweep with <code>--delete-untagged</code> takes this.
        </p>`;
  return html`<section>
    <h2>Reclaimable</h2>
    <table class="bars">
      <thead class="unseen">
        <tr>
          <th>Policy</th>
          <th>Bytes</th>
          <th>What goes</th>
        </tr>
      </thead>
      <tbody>
        ${rows}${uploads}
      </tbody>
    </table>
    ${file}${grace}
  </section>`;
}

/** How long the garbage has been lying there. */
export function ages(all: readonly GarbageAge[]): Markup {
  const most = Math.max(...all.map(({ bytes }) => bytes));
  if (!all.some(({ blobs }) => blobs > 0))
    return html`<section>
      <h2>Age of the garbage</h2>
      <p class="note">The selected policy reclaims no blob.</p>
    </section>`;
  const rows = all.map(({ bytes, blobs }, i) => {
    return html`<tr>
      <th scope="row">${ageLabel(all, i)}</th>
      <td class="number">${formatBytes(bytes)}</td>
      <td class="bar">${bar(bytes, most)}</td>
      <td class="number"><small>${countOf(blobs, "blob")}</small></td>
    </tr>`;
  });
  return html`<section>
    <h2>Age of the garbage</h2>
    <table class="bars">
      <thead class="unseen">
        <tr>
          <th>Age</th>
          <th>Bytes</th>
          <th></th>
          <th>Blobs</th>
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
    <p class="note">Since the blob was written, which may be long before it became garbage.</p>
  </section>`;
}

function ageLabel(all: readonly GarbageAge[], i: number): string {
  const from = all[i - 1]?.underDays;
  const to = all[i]?.underDays;
  if (from === undefined) return `under ${countOf(to ?? 0, "day")}`;
  return to === undefined ? `over ${formatCount(from)} days` : `${formatCount(from)} to ${formatCount(to)} days`;
}

/** A bar whose length is a share of the longest one's; widths are attributes, since the page allows no inline style. */
function bar(value: number, most: number): Markup {
  const share = most === 0 ? 0 : Math.round((value / most) * 1000) / 10;
  return html`<svg viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
    <rect class="track" width="100" height="1" />
    <rect class="reclaimable" width="${share}" height="1" />
  </svg>`;
}
