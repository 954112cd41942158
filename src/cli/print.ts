import { formatRules } from "../guard/format.js";
import type { AskedRules } from "../guard/format.js";
import type { GuardedWork } from "../guard/guard.js";
import { hasUtf8, toAscii } from "../report/ascii.js";
import { escapeForTerminal } from "../report/escape.js";
import { writeChange, writeToStdout } from "./write-report.js";

/** How a command tells what it did. */
export interface Telling {
  readonly format: "text" | "json";
  /** Nothing on stdout where all went well. */
  readonly quiet: boolean;
  /** Undefined where the command never changes the storage. */
  readonly dryRun?: boolean;
}

/** Prints what a command did: lines for people, or one JSON document. */
export async function tell(
  { format, quiet, dryRun }: Telling,
  wentWell: boolean,
  lines: readonly string[],
  json: object,
): Promise<void> {
  if (quiet && wentWell) return;
  const text = format === "json" ? `${JSON.stringify({ schemaVersion: "1.0", ...json }, undefined, 2)}\n` : textOf(lines);
  if (dryRun === false) await writeChange(() => [text]);
  else await writeToStdout([text]);
}

function textOf(lines: readonly string[]): string {
  const text = lines.map((line) => `${escapeForTerminal(line)}\n`).join("");
  return hasUtf8(process.env) ? text : toAscii(text);
}

/** What each rule said of a dry run, as lines of `tell`. */
export function rulesOf(work: GuardedWork, asked: Omit<AskedRules, "work">): readonly string[] {
  return asked.verdicts.length === 0 ? [] : ["", ...formatRules({ work, ...asked }, false)];
}
