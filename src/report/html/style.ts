/** The page's only style sheet; the browser applies it because the page's policy names its hash. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #f5f6f8; --panel: #ffffff; --ink: #1a212b; --soft: #566171; --line: #dde2e8;
  --error: #b3261e; --warning: #8a5700; --garbage: #0f6a78; --info: #566171; --good: #1c6b3c;
  --error-back: #fbeceb; --warning-back: #fdf4e0; --good-back: #e8f5ec;
  --live: #9db9dc; --shared: #d3dfee; --reclaimable: #4fa8b5; --held: #e09c52; --track: #eceff3;
  --sans: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", Arial, sans-serif;
  --mono: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", "Liberation Mono", monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0f1318; --panel: #171c23; --ink: #e2e7ee; --soft: #98a3b2; --line: #2a323d;
    --error: #ff8a80; --warning: #e8b95c; --garbage: #63c5d3; --info: #98a3b2; --good: #7fd19b;
    --error-back: #341b1b; --warning-back: #31270f; --good-back: #14291c;
    --live: #46648c; --shared: #2e3f57; --reclaimable: #2b8a98; --held: #a8682a; --track: #222932;
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--page); color: var(--ink); font: 14px/1.45 var(--sans); }
main { max-width: 1240px; margin: 0 auto; padding: 20px 20px 40px; }
code { font-family: var(--mono); font-size: .93em; }
small { color: var(--soft); font-size: 12px; font-weight: normal; }
h1 { margin: 2px 0 12px; font: 600 20px/1.25 var(--mono); overflow-wrap: anywhere; }
h2 { margin: 0 0 10px; font-size: 15px; font-weight: 650; }
section, .totals { margin: 16px 0 0; padding: 16px; background: var(--panel); border: 1px solid var(--line); border-radius: 6px; }
.about { margin: 0; color: var(--soft); display: flex; flex-wrap: wrap; gap: 2px 14px; }
.about b { color: var(--ink); }
.verdict { margin: 0; padding: 12px 16px; border-radius: 6px; border-left: 5px solid; display: flex; flex-wrap: wrap; gap: 2px 14px; align-items: baseline; }
.verdict strong { font-size: 20px; letter-spacing: .01em; }
.verdict span { color: var(--ink); }
.verdict.red { color: var(--error); background: var(--error-back); }
.verdict.yellow { color: var(--warning); background: var(--warning-back); }
.verdict.green { color: var(--good); background: var(--good-back); }
.notice { margin: 8px 0 0; padding: 8px 16px; border-left: 5px solid var(--warning); background: var(--warning-back); border-radius: 6px; overflow-wrap: anywhere; }
.note { margin: 8px 0 0; color: var(--soft); font-size: 12.5px; }
.totals { display: grid; grid-template-columns: repeat(auto-fit, minmax(96px, 1fr)); gap: 12px; padding: 12px 16px; }
.totals div { display: flex; flex-direction: column-reverse; }
.totals dt { color: var(--soft); font-size: 12.5px; }
.totals dd { margin: 0; font-size: 18px; font-weight: 600; font-variant-numeric: tabular-nums; }
.columns { display: grid; grid-template-columns: 1fr 1fr; gap: 0 16px; }
table { width: 100%; border-collapse: collapse; }
th { text-align: left; font-weight: normal; }
th, td { padding: 5px 10px 5px 0; vertical-align: top; }
td:last-child, th:last-child { padding-right: 0; }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
td.error { color: var(--error); font-weight: 600; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.bars tr + tr { border-top: 1px solid var(--line); }
.bars .bar { width: 42%; }
.bars .bar svg { display: block; width: 100%; height: 8px; margin: 6px 0 3px; }
.selected th, .selected .number { font-weight: 650; }
rect.live { fill: var(--live); } rect.shared { fill: var(--shared); } rect.reclaimable { fill: var(--reclaimable); }
rect.held { fill: var(--held); } rect.track { fill: var(--track); }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 4px 16px; margin: 0 0 8px; padding: 0; color: var(--soft); font-size: 12.5px; }
.legend svg { width: 11px; height: 11px; margin-right: 6px; vertical-align: -1px; }
.legend .cross { color: var(--error); font-weight: 700; margin-right: 5px; }
.treemap { display: block; width: 100%; height: auto; }
.treemap.narrow { display: none; }
.treemap text { font: 12px var(--sans); fill: var(--ink); pointer-events: none; }
.treemap .size { font-size: 11px; fill-opacity: .8; }
.treemap .frame { fill: var(--track); stroke: var(--line); }
.treemap .damaged .frame { fill: var(--error-back); stroke: var(--error); stroke-width: 1.5; }
.treemap .damaged text { fill: var(--error); }
.treemap .damaged .size { fill: var(--ink); }
.treemap .tile:hover .frame { stroke: var(--ink); }
summary { cursor: pointer; }
summary:focus-visible, input:focus-visible { outline: 2px solid var(--garbage); outline-offset: 2px; border-radius: 3px; }
section > details:not(.code) { margin-top: 10px; }
section > details:not(.code) > summary { color: var(--soft); }
.repositories { margin-top: 8px; }
.repositories thead th { color: var(--soft); font-size: 12.5px; border-bottom: 1px solid var(--line); vertical-align: bottom; }
.repositories tbody th { font: 13px var(--mono); overflow-wrap: anywhere; }
.repositories tbody tr + tr > * { border-top: 1px solid var(--line); }
#filter { position: sticky; top: 0; z-index: 1; display: flex; flex-wrap: wrap; gap: 8px 16px; align-items: center; padding: 8px 0 10px; background: var(--panel); border-bottom: 1px solid var(--line); }
#filter input[type=search] { flex: 1 1 240px; min-width: 0; font: inherit; color: inherit; background: var(--page); border: 1px solid var(--line); border-radius: 4px; padding: 6px 10px; }
#filter label { white-space: nowrap; }
#filter input[type=checkbox] { accent-color: currentColor; margin: 0 2px 0 0; vertical-align: -2px; }
#filter output { color: var(--soft); font-size: 12.5px; }
.code { border-top: 1px solid var(--line); padding: 9px 0; }
#findings > .code:first-of-type { border-top: 0; }
.code > summary { list-style: none; display: grid; grid-template-columns: 20px auto auto auto 1fr; gap: 1px 8px; align-items: baseline; }
.code > summary::-webkit-details-marker { display: none; }
.code .mark { text-align: center; }
.code > summary > code { font-weight: 650; font-size: 14px; overflow-wrap: anywhere; }
.code .count { font-weight: 650; font-variant-numeric: tabular-nums; }
.code .severity { color: var(--soft); font-size: 12.5px; }
.code > summary::after { content: "show"; justify-self: end; color: var(--soft); font-size: 12.5px; grid-row: 1; grid-column: 5; }
.code[open] > summary::after { content: "hide"; }
.code .meaning, .code .remedy { grid-column: 2 / -1; }
.code .remedy { color: var(--soft); }
.code .remedy em { color: var(--warning); font-style: normal; }
.error .mark, .error > summary > code, label.error { color: var(--error); }
.warning .mark, .warning > summary > code, label.warning { color: var(--warning); }
.garbage .mark, .garbage > summary > code, label.garbage { color: var(--garbage); }
.info .mark, label.info { color: var(--info); }
.code ol { list-style: none; margin: 0 0 0 28px; padding: 0; }
.code ol.later { content-visibility: auto; contain-intrinsic-size: auto 2500px; }
.code summary + ol { margin-top: 6px; }
.code li { padding: 2px 0; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
.code li code { font-size: 12.5px; }
.code li b { float: right; margin-left: 12px; font-weight: normal; font-variant-numeric: tabular-nums; white-space: nowrap; }
.code li em { font-style: normal; font-weight: 650; font-size: 12.5px; }
.code li i, .code li u { display: block; font-style: normal; text-decoration: none; color: var(--soft); font-size: 12.5px; }
.code li u { font: 11.5px/1.4 var(--mono); }
.code .note { margin-left: 28px; }
.pins li { overflow-wrap: anywhere; }
footer { margin-top: 16px; color: var(--soft); font-size: 12.5px; }
@media (max-width: 760px) {
  main { padding: 12px 10px 32px; }
  section, .totals { padding: 12px 10px; margin-top: 10px; }
  .columns { grid-template-columns: minmax(0, 1fr); }
  .totals { grid-template-columns: repeat(3, minmax(0, 1fr)); }
  .totals dd { font-size: 15px; }
  .more { display: none; }
  .treemap.wide { display: none; }
  .treemap.narrow { display: block; }
  .bars .bar { width: 34%; }
  .code > summary { gap: 1px 6px; }
  .code ol, .code .note { margin-left: 0; }
}
@media print {
  :root {
    color-scheme: light;
    --page: #fff; --panel: #fff; --ink: #000; --soft: #444; --line: #bbb; --track: #eee;
    --error: #a3160e; --warning: #7a4c00; --garbage: #0a5560; --info: #444; --good: #155730;
    --error-back: #fff; --warning-back: #fff; --good-back: #fff;
    --live: #9db9dc; --shared: #d3dfee; --reclaimable: #4fa8b5; --held: #e09c52;
  }
  body { font-size: 10.5pt; }
  main { max-width: none; padding: 0; }
  section, .totals { border-color: #bbb; break-inside: auto; }
  .verdict { border: 1px solid; border-left-width: 5px; }
  rect { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  #filter, .code > summary::after { display: none; }
  .code > summary, tr, li, .treemap { break-inside: avoid; }
  .code ol.later { content-visibility: visible; }
  .treemap.wide { display: block; }
  .treemap.narrow { display: none; }
}
`;
