/** What JSON leaves as it is in a string, though some readers of lines, Node.js's own readline among them, take it for the end of one. */
const SEPARATORS = /[\u2028\u2029]/g;

/** A value as a line of NDJSON, which is one line to every reader. */
export function jsonLine(value: object): string {
  return `${JSON.stringify(value).replace(SEPARATORS, escaped)}\n`;
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16)}`;
}
