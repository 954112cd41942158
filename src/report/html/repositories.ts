import { countOf, formatBytes, formatCount } from "../format.js";
import type { Report } from "../report.js";
import type { RepositoryReport } from "../repository-report.js";
import { html } from "./markup.js";
import type { Markup } from "./markup.js";
import { PARTS, partsOf } from "./parts.js";
import { treemap, TREEMAP_SHAPES } from "./treemap.js";

/** Repositories in the table: those with most bytes, and those with most to reclaim. */
const SHOWN_REPOSITORIES = 200;
const OPEN_REPOSITORIES = 12;

/** Where the bytes are: a picture, and a table with the same figures. */
export function repositories(report: Report): Markup {
  const { repositories: all, reclaimable, selected, trusted, policy, errors } = report;
  if (all.length === 0) return html``;
  const isKnown = trusted.has(selected);
  const shown = [...all].sort((a, b) => b.bytes - a.bytes).slice(0, SHOWN_REPOSITORIES);
  const elsewhere = reclaimable[selected].bytes - all.reduce((sum, { reclaimableBytes }) => sum + reclaimableBytes, 0);
  const note =
    elsewhere <= 0
      ? undefined
      : html` Another ${formatBytes(elsewhere)} to reclaim belong to no single one of these repositories: no link, or several
        repositories' links, name the blobs.`;
  const rest =
    shown.length === all.length
      ? undefined
      : html`<p class="note">
          The ${formatCount(shown.length)} largest of ${formatCount(all.length)}; all of them: <code>--format json</code>.
        </p>`;
  return html`<section><h2>Where the bytes are</h2>
${isKnown ? picture(report, note) : undefined}<details${shown.length <= OPEN_REPOSITORIES ? html` open` : undefined}><summary>${countOf(all.length, "repository", "repositories")} as a table</summary>
<table class="repositories"><thead><tr><th scope="col">Repository</th><th scope="col" class="number">Bytes</th>${
    isKnown
      ? html`<th scope="col" class="number">Reclaimable</th>
          ${policy.retention === undefined ? undefined : html`<th scope="col" class="number">With --policy</th>`}
          <th scope="col" class="number more">Held back</th>`
      : undefined
  }<th scope="col" class="number more">Shared</th><th scope="col" class="number more">Uploads</th><th scope="col" class="number more">Tags</th><th scope="col" class="number more">Manifests</th><th scope="col" class="number">Errors</th></tr></thead><tbody>
${shown.map((one) => row(one, errors.get(one.name) ?? 0, isKnown))}</tbody></table>
${rest}</details></section>
`;
}

/** The tiles show what is live, so that there are none where that is not known. */
function picture(report: Report, note: Markup | undefined): Markup {
  return html`<ul class="legend">
      ${PARTS.map(
        ([part, words]) =>
          html`<li>
            <svg viewBox="0 0 1 1" aria-hidden="true"><rect class="${part}" width="1" height="1" /></svg>${words}
          </li>`,
      )}
      <li><span class="cross" aria-hidden="true">✗</span>has errors</li>
    </ul>
    ${TREEMAP_SHAPES.map((shape) => treemap(report, shape))}
    <p class="note">
      A tile's area is what the repository's links name; a blob that several repositories share counts in each of them.${note}
    </p> `;
}

function row(repository: RepositoryReport, errors: number, isKnown: boolean): Markup {
  const { shared, held } = partsOf(repository);
  const { withPolicy } = repository;
  const bytes = (value: number): string => (value === 0 ? "–" : formatBytes(value));
  return html`<tr>
    <th scope="row">${repository.name}</th>
    <td class="number">${bytes(repository.bytes)}</td>
    ${
      isKnown
        ? html`<td class="number">${bytes(repository.reclaimableBytes)}</td>
            ${withPolicy === undefined ? undefined : html`<td class="number">${bytes(withPolicy.bytes)}</td>`}
            <td class="number more">${bytes(held)}</td>`
        : undefined
    }
    <td class="number more">${bytes(shared)}</td>
    <td class="number more">${bytes(repository.uploadBytes)}</td>
    <td class="number more">${formatCount(repository.tags)}</td>
    <td class="number more">${formatCount(repository.revisions)}</td>
    <td class="number${errors > 0 ? " error" : ""}">${errors === 0 ? "–" : formatCount(errors)}</td>
  </tr>`;
}
