import { stripVTControlCharacters } from "node:util";
import wrapAnsi from "wrap-ansi";

/** How text is laid out. */
export interface TextOptions {
  readonly colour: boolean;
  /** Columns to wrap at; undefined for no wrapping, as in a pipe. */
  readonly width: number | undefined;
}

/** Columns for text below which no terminal is worth a layout. */
const NARROWEST = 10;
/** The blank between a number and its unit, which belong together. */
const BEFORE_UNIT = /(?<=(?:^|[\s(])[\d.,]{1,8}) (?=(?:[kMGTP]?B|ms|s|min|h|%)(?:[\s,.;)]|$))/g;
const NO_BREAK = "\u00a0";

/** Wraps a text that begins behind `first`; what continues it stands behind `further`. */
export function wrapText(text: string, { width }: Pick<TextOptions, "width">, first = "", further = first): string[] {
  if (width === undefined) return [first + text];
  const room = Math.max(NARROWEST, width - Math.max(lengthOf(first), further.length));
  const rows = wrapAnsi(text.replace(BEFORE_UNIT, NO_BREAK), room, { hard: true }).replaceAll(NO_BREAK, " ").split("\n");
  return rows.map((row, i) => (i === 0 ? first : further) + row);
}

/** What stands before the text of a line: blanks, then an arrow, a mark, or what a rule says. */
const LEAD = /^ *(?:(?:passed|REFUSES|later) +|[→!] )?/;
/** A command must survive being copied. */
const COMMAND = /^ +(?:redis-cli|regcheck) /;

/** Wraps lines that carry their own indentation; colour is in what stands before a text. What continues a line is below its text. */
export function wrapLines(lines: readonly string[], options: Pick<TextOptions, "width">): string[] {
  return lines.flatMap((line) => {
    const plain = stripVTControlCharacters(line);
    if (COMMAND.test(plain)) return [line];
    const indent = LEAD.exec(plain)?.[0].length ?? 0;
    const text = plain.slice(indent);
    return wrapText(text, options, line.slice(0, line.length - text.length), " ".repeat(indent));
  });
}

function lengthOf(text: string): number {
  return stripVTControlCharacters(text).length;
}
