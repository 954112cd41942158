/** The characters beyond ASCII that regcheck itself writes, with what stands for them where a terminal may not show them. */
const REPLACEMENTS: Readonly<Record<string, string>> = {
  "✗": "x",
  "♻": "*",
  "·": "-",
  "→": "->",
  "…": "...",
  "–": "-",
  "└─": "`-",
  "←": "<-",
};
const REPLACED = new RegExp(Object.keys(REPLACEMENTS).join("|"), "g");

/** The same text in ASCII, for a terminal or a mail whose locale has no UTF-8. What names in the storage have stays: they are data. */
export function toAscii(text: string): string {
  return text.replace(REPLACED, (character) => REPLACEMENTS[character] ?? character);
}

/** Whether the locale of an environment has UTF-8, by the variables of POSIX: the first that is set and not empty decides. */
export function hasUtf8(environment: Readonly<Record<string, string | undefined>>): boolean {
  const locale = [environment["LC_ALL"], environment["LC_CTYPE"], environment["LANG"]].find((value) => (value ?? "") !== "");
  return /utf-?8/i.test(locale ?? "");
}
