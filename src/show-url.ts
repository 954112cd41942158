/** A URL for people, or what was meant to be one, without what may be secret in it: user and password, query and fragment. */
export function showUrl(text: string): string {
  // A password may hold any character, another @ among them.
  return text.replace(/^([a-z][a-z\d+.-]*:\/\/)?.*@/is, "$1…@").replace(/[?#].*$/s, "…");
}
