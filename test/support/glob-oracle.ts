/**
 * Whether a name matches a glob, in the most naive way: braces by replacing the innermost pair with each of its alternatives, the rest by
 * trying every length. Shares no code with src/, and refuses nothing.
 */
export function globMatches(glob: string, name: string): boolean {
  const [braces, inner = ""] = /\{([^{}]*)\}/.exec(glob) ?? [];
  if (braces === undefined) return matchesParts(glob.split("/"), name.split("/"));
  const alternatives = inner.includes(",") ? inner.split(",") : range(inner);
  return alternatives.some((one) =>
    globMatches(
      glob.replace(braces, () => one),
      name,
    ),
  );
}

function range(text: string): string[] {
  const [from = "", to = ""] = text.split("..");
  if (/[a-z]/.test(text))
    return Array.from("abcdefghijklmnopqrstuvwxyz").filter((one) => (one >= from && one <= to) || (one >= to && one <= from));
  const isPadded = [from, to].some((number) => number.length > 1 && number.startsWith("0"));
  return Array.from({ length: 1000 }, (_, i) => i)
    .filter((i) => (i >= Number(from) && i <= Number(to)) || (i >= Number(to) && i <= Number(from)))
    .map((i) => (isPadded ? String(i).padStart(Math.max(from.length, to.length), "0") : String(i)));
}

function matchesParts([glob, ...globs]: readonly string[], parts: readonly string[]): boolean {
  if (glob === undefined) return parts.length === 0;
  if (glob === "**")
    return Array.from({ length: parts.length + 1 }, (_, n) => n).some((n) => matchesParts(globs, parts.slice(n)));
  const [part, ...others] = parts;
  return part !== undefined && matchesPart(glob, part) && matchesParts(globs, others);
}

function matchesPart(glob: string, part: string): boolean {
  const [, others] = /^!\((.*)\)$/.exec(glob) ?? [];
  if (others !== undefined) return !others.split("|").some((one) => matchesPart(one, part));
  if (glob === "") return part === "";
  if (glob.startsWith("*"))
    return Array.from({ length: part.length + 1 }, (_, n) => n).some((n) => matchesPart(glob.slice(1), part.slice(n)));
  if (part === "") return false;
  const [set] = /^\[[^\]]*\]/.exec(glob) ?? [];
  // A set of a regular expression means the same, but for the sign of its negation.
  if (set !== undefined)
    return new RegExp(`^${set.replace("[!", "[^")}$`).test(part.charAt(0)) && matchesPart(glob.slice(set.length), part.slice(1));
  return (glob.startsWith("?") || glob.startsWith(part.charAt(0))) && matchesPart(glob.slice(1), part.slice(1));
}
