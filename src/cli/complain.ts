import { hasUtf8, toAscii } from "../report/ascii.js";
import { escapeForTerminal } from "../report/escape.js";

/** Prints a line on stderr, made harmless and in the characters of the locale. */
export function complain(text: string): void {
  const line = `regcheck: ${escapeForTerminal(text)}\n`;
  process.stderr.write(hasUtf8(process.env) ? line : toAscii(line));
}
