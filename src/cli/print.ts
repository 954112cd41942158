import { formatRules } from "../guard/format.js";
import type { AskedRules } from "../guard/format.js";
import type { GuardedWork } from "../guard/guard.js";
import { hasUtf8, toAscii } from "../report/ascii.js";
import { escapeForTerminal } from "../report/escape.js";
import { writeToStdout } from "./write-report.js";

/** How a command tells what it did. */
export interface Telling {
  readonly format: "text" | "json";
  /** Nothing on stdout where all went well. */
  readonly quiet: boolean;
}

/** Prints what a command did: lines for people, or one JSON document. */
export async function tell({ format, quiet }: Telling, wentWell: boolean, lines: readonly string[], json: object): Promise<void> {
  if (format === "json") await writeToStdout([`${JSON.stringify({ schemaVersion: "1.0", ...json }, undefined, 2)}\n`]);
  else if (!quiet || !wentWell) {
    const text = lines.map((line) => `${escapeForTerminal(line)}\n`).join("");
    await writeToStdout([hasUtf8(process.env) ? text : toAscii(text)]);
  }
}

/** What each rule said of a dry run, as lines of `tell`. */
export function rulesOf(work: GuardedWork, asked: Omit<AskedRules, "work">): readonly string[] {
  return asked.verdicts.length === 0 ? [] : ["", ...formatRules({ work, ...asked }, false)];
}
