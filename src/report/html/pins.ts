import { formatCount } from "../format.js";
import { PIN_NOTES } from "../pin-notes.js";
import type { Report } from "../report.js";
import { html } from "./markup.js";
import type { Markup } from "./markup.js";

/** Digests that the page shows of each kind at most: a list that long is for programs. */
const SHOWN_PINS = 1000;

/** What is in use outside of the registry but cannot be pulled from it; nothing when all pins can. */
export function pins({ pins: all }: Report): Markup {
  const notes = PIN_NOTES.filter(([key]) => all[key].length > 0).map(([key, meaning]) => {
    const shown = all[key].slice(0, SHOWN_PINS);
    const left = all[key].length - shown.length;
    return html`<details>
      <summary>${formatCount(all[key].length)} ${meaning}</summary>
      <ol>
        ${shown.map((digest) => html`<li><code>${digest.toString()}</code></li>`)}
      </ol>
      ${left > 0 ? html`<p class="note">… and ${formatCount(left)} more. All of them: <code>--format json</code>.</p>` : undefined}
    </details>`;
  });
  return notes.length === 0
    ? html``
    : html`<section class="pins">
        <h2>Pins</h2>
        ${notes}
      </section>`;
}
