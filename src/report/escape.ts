/**
 * Characters that a terminal acts upon, or that reorder text around them: control characters (C0, DEL, C1), bidirectional marks,
 * line separators, and lone surrogates. Names come from the storage, where anything can lie.
 */
const UNSAFE =
  // oxlint-disable-next-line no-control-regex -- control characters are what it is about
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** Makes a text harmless on a terminal: what could act on it is shown as `\u{…}`. */
export function escapeForTerminal(text: string): string {
  return text.replace(UNSAFE, (character) => `\\u{${character.charCodeAt(0).toString(16)}}`);
}
