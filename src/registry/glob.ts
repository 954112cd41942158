import { UsageError } from "../errors.js";
import { expandBraces } from "./glob-braces.js";
import { matchesRuns, RUN } from "./match-runs.js";
import type { Step } from "./match-runs.js";

/** What globs are about. */
export type NameKind = "tag" | "repository";

/** Tells whether a name matches. */
export type Matcher = (name: string) => boolean;

type Refuse = (why: string) => never;

/** The characters of names: in a glob others are a slip, or of another language. */
const CHARACTERS: Readonly<Record<NameKind, RegExp>> = { tag: /^[\w.-]$/, repository: /^[\w./-]$/ };
const SPECIAL = /[*?[\]{}!(]/;
const MAX_LENGTH = 1000;

/**
 * Parses a glob over the whole of a name, as a shell has it: `*` and `?` within a part between slashes, `**` for any parts, `[a-f]`, `[!a-f]`,
 * `{a,b}`, `{8..12}` and, for a whole part, `!(a*|b)`. What a shell would take for something that nobody means is refused, for tags go by
 * globs: throws a `UsageError` that names the glob. Matching takes no more steps than the product of both lengths.
 */
export function parseGlob(glob: string, kind: NameKind): Matcher {
  const refuse = refusing(glob);
  if (glob.length > MAX_LENGTH) throw new UsageError(`${glob.slice(0, 40)}…: is longer than ${MAX_LENGTH} characters`);
  if (glob.startsWith("!") && !glob.startsWith("!("))
    refuse('a glob is not negated by "!" alone: !(v*) is what does not match v*, [!v] a character other than v');
  if (glob.includes("!(") && glob.includes("{")) refuse("!(…) and {…} do not go together: write !(a|b)");
  const names = new Set<string>();
  const matchers: Matcher[] = [];
  for (const alternative of expandBraces(glob, refuse)) {
    const matcher = kind === "tag" ? parsePart(alternative, kind, refuse) : parseParts(alternative, refuse);
    if (SPECIAL.test(alternative)) matchers.push(matcher);
    else names.add(alternative);
  }
  return (name) => names.has(name) || matchers.some((matches) => matches(name));
}

/** What a glob with braces stands for, without these. Throws a `UsageError`. */
export function expandGlob(glob: string): readonly string[] {
  return expandBraces(glob, refusing(glob));
}

function refusing(glob: string): Refuse {
  return (why) => {
    throw new UsageError(`${glob}: ${why}`);
  };
}

/** Parses a prefix of names. Throws a `UsageError` where no name begins with it, such as one that is meant for a glob. */
export function parsePrefix(prefix: string, kind: NameKind): Matcher {
  for (const character of prefix)
    if (!CHARACTERS[kind].test(character))
      throw new UsageError(`${prefix}: no ${kind} has "${character}" in its name: a prefix is no glob`);
  return (name) => name.startsWith(prefix);
}

function parseParts(glob: string, refuse: Refuse): Matcher {
  const steps = glob.split("/").map((part): Step => {
    if (part === "**") return RUN;
    if (part.includes("**"))
      refuse(`** stands for whole parts of a repository's name, as in team/** or **/app; within a part write *`);
    if (part === "" || part === "." || part === "..")
      refuse(part === "" ? "no repository has an empty part in its name" : `no repository has a part "${part}" in its name`);
    return parsePart(part, "repository", refuse);
  });
  return (name) => matchesRuns(steps, name.split("/"));
}

/** Parses what is about one part of a name: of a tag all of it. */
function parsePart(part: string, kind: NameKind, refuse: Refuse): Matcher {
  if (part.startsWith("!(") && part.endsWith(")")) {
    const others = part
      .slice(2, -1)
      .split("|")
      .map((one) => parsePart(one === "" ? refuse("!(…) has an empty alternative") : one, kind, refuse));
    return (name) => !others.some((matches) => matches(name));
  }
  const steps: Step[] = [];
  for (let i = 0; i < part.length; i++) {
    const character = part.charAt(i);
    if (character === "*") steps.push(RUN);
    else if (character === "?") steps.push(() => true);
    else if (character === "[") {
      const end = part.indexOf("]", i);
      if (end < 0) refuse('"[" is not closed');
      steps.push(parseSet(part.slice(i + 1, end), kind, refuse));
      i = end;
    } else {
      insistOn(character, kind, refuse);
      steps.push((one) => one === character);
    }
  }
  return (name) => matchesRuns(steps, name);
}

function insistOn(character: string, kind: NameKind, refuse: Refuse): void {
  if (CHARACTERS[kind].test(character)) return;
  if (character === "!" || character === "(") refuse("of groups there is only !(…), for a whole part; write {a,b} for a or b");
  const known = "*, **, ?, [a-f], [!a-f], {a,b}, {8..12} and !(a|b)";
  refuse(`no ${kind} has "${character}" in its name, and in a glob it means nothing; there are ${known}`);
}

/** Parses what is between `[` and `]`: one character. */
function parseSet(inner: string, kind: NameKind, refuse: Refuse): (character: string) => boolean {
  const isNegated = /^[!^]/.test(inner);
  const members = isNegated ? inner.slice(1) : inner;
  const characters = new Set<string>();
  if (members === "") refuse(`[${inner}] is empty`);
  for (let i = 0; i < members.length; i++) {
    const first = members.charAt(i);
    const isRange = members.charAt(i + 1) === "-" && i + 2 < members.length;
    const last = isRange ? members.charAt(i + 2) : first;
    if (isRange) i += 2;
    insistOn(first, kind, refuse);
    insistOn(last, kind, refuse);
    if (isRange && !/^(?:\d\d|[a-z]{2}|[A-Z]{2})$/.test(first + last))
      refuse(`[${inner}]: a range is one of digits, or of letters of one case`);
    if (first > last) refuse(`[${inner}]: ${first}-${last} is backwards`);
    for (let code = first.charCodeAt(0); code <= last.charCodeAt(0); code++) {
      const character = String.fromCharCode(code);
      // Who writes [10-12] means {10..12}, but a shell matches one of 0, 1 and 2.
      if (characters.has(character))
        refuse(`[${inner}] stands for one character, and has ${character} twice; for numbers write {8..12}`);
      characters.add(character);
    }
  }
  return (character) => characters.has(character) !== isNegated;
}
