import { escapeForTerminal } from "../escape.js";

/** Text that is HTML already. Only `html` makes it, so a name from the storage cannot become one. */
export class Markup {
  private constructor(readonly text: string) {}

  /** A template whose values are escaped, unless they are markup themselves. Undefined is nothing; lists are joined. */
  static template(parts: readonly string[], values: readonly Value[]): Markup {
    let text = parts[0] ?? "";
    for (const [i, value] of values.entries()) text += textOf(value) + (parts[i + 1] ?? "");
    return new Markup(text);
  }
}

/** What can stand in a template. */
export type Value = string | number | Markup | undefined | readonly Markup[];

/** Makes markup: html`<b>${name}</b>` escapes the name. Values stand in text or in attributes in double quotes, nowhere else. */
export function html(parts: TemplateStringsArray, ...values: readonly Value[]): Markup {
  return Markup.template(parts, values);
}

function textOf(value: Value): string {
  if (value === undefined) return "";
  if (value instanceof Markup) return value.text;
  if (typeof value === "string" || typeof value === "number") return escapeForHtml(String(value));
  return value.map(({ text }) => text).join("");
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** Makes a text harmless in HTML, in an element or in a quoted attribute; control characters become visible. */
export function escapeForHtml(text: string): string {
  return escapeForTerminal(text).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
}
