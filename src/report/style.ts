import { styleText } from "node:util";
import type { TextOptions } from "./wrap.js";

export type Style = Parameters<typeof styleText>[0];

/** Styles a text where there is colour: that was decided by where the text goes, which need not be this process's own output. */
export function withStyle(style: Style, text: string, { colour }: Pick<TextOptions, "colour">): string {
  return colour ? styleText(style, text, { validateStream: false }) : text;
}
