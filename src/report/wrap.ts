import { stripVTControlCharacters } from "node:util";
import wrapAnsi from "wrap-ansi";
import { toAscii } from "./ascii.js";

/** How text is laid out. */
export interface TextOptions {
  readonly colour: boolean;
  /** Columns to wrap at; undefined for no wrapping, as in a pipe. */
  readonly width: number | undefined;
  /** Characters beyond ASCII are written otherwise; see `toAscii`. */
  readonly ascii?: boolean;
}

/** What of the options says how lines are broken. */
type Layout = Pick<TextOptions, "width" | "ascii">;

/** Columns for text below which no terminal is worth a layout. */
const NARROWEST = 10;
/** The blank between a number and its unit, which belong together. */
const BEFORE_UNIT = /(?<=(?:^|[\s(])[\d.,]{1,8}) (?=(?:[kMGTP]?B|ms|s|min|h|%)(?:[\s,.;)]|$))/g;
const NO_BREAK = "\u00a0";

/**
 * Wraps a text that begins behind `first`; what continues it stands behind `further`. A word that is longer than the width stays whole: a
 * digest, a path and a command must survive being copied.
 */
export function wrapText(text: string, { width, ascii }: Layout, first = "", further = first): string[] {
  const written = ascii === true ? toAscii : (as: string): string => as;
  const lead = written(first);
  if (width === undefined) return [lead + written(text)];
  const room = Math.max(NARROWEST, width - Math.max(lengthOf(lead), further.length));
  const rows = wrapAnsi(written(text).replace(BEFORE_UNIT, NO_BREAK), room, { hard: false })
    .replaceAll(NO_BREAK, " ")
    .split("\n");
  return rows.map((row, i) => (i === 0 ? lead : further) + row);
}

/** What stands before the text of a line: blanks, then an arrow, a mark, or what a rule says. */
const LEAD = /^ *(?:(?:passed|REFUSES|later) +|(?:→|->|!) )?/;
/** A command must survive being copied. */
const COMMAND = /^ +(?:redis-cli|regcheck) /;

/** Wraps lines that carry their own indentation; colour is in what stands before a text. What continues a line is below its text. */
export function wrapLines(given: readonly string[], options: Layout): string[] {
  const lines = options.ascii === true ? given.map(toAscii) : given;
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
