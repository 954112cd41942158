import { createHash } from "node:crypto";
import type { ExitCode } from "../../errors.js";
import type { Tool } from "../json.js";
import type { Report } from "../report.js";
import { verdictOf } from "../verdict.js";
import { findings } from "./findings.js";
import { html } from "./markup.js";
import { ages, overview, reclaimable } from "./overview.js";
import { pins } from "./pins.js";
import { repositories } from "./repositories.js";
import { SCRIPT } from "./script.js";
import { STYLE } from "./style.js";

/** The report as one HTML page that needs no network, and no script to be read; in pieces, since findings may be many. */
export function* formatHtml(report: Report, tool: Tool, exitCode: ExitCode): Generator<string> {
  yield head(report);
  yield overview(report).text;
  if (report.trusted.has(report.selected))
    yield html`<div class="columns">${reclaimable(report)}${ages(report.garbageAges())}</div>`.text;
  yield repositories(report).text;
  yield pins(report).text;
  for (const piece of findings(report)) yield piece.text;
  yield html`<footer>${tool.name} ${tool.version}, exit code ${exitCode}. The same for programs: <code>--format json</code>.</footer>
</main>
`.text;
  yield `<script>${SCRIPT}</script>\n</body>\n</html>\n`;
}

/**
 * Nothing is allowed but this page's own style and script, by their hashes. The icon is empty, so that a browser asks no server for one.
 */
const POLICY = [
  "default-src 'none'",
  `style-src '${hashOf(STYLE)}'`,
  `script-src '${hashOf(SCRIPT)}'`,
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

function hashOf(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}

function head(report: Report): string {
  const start = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="`.text;
  const end = html`">
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <meta name="referrer" content="no-referrer" />
    <meta name="robots" content="noindex" />
    <link rel="icon" href="data:," />
    <title>${verdictOf(report).word}: ${report.storage.location} on ${report.name} (regcheck)</title>`.text;
  return `${start}${POLICY}${end}<style>${STYLE}</style>\n</head>\n<body>\n<main>\n`;
}
