/** More than anybody writes; each is compared with every name. */
const MOST_ALTERNATIVES = 1000;

/**
 * What a glob with `{a,b}` and `{8..12}` stands for, without these, as a shell expands them: before it looks at anything else. `refuse` gets
 * to know what is wrong.
 */
export function expandBraces(glob: string, refuse: (why: string) => never): readonly string[] {
  const open = glob.indexOf("{");
  const before = open < 0 ? glob : glob.slice(0, open);
  if (before.includes("}")) refuse('"}" closes nothing');
  if (open < 0) return [glob];
  const { parts, end } = splitBraces(glob, open) ?? refuse('"{" is not closed');
  const inner = glob.slice(open + 1, end);
  const alternatives = parts.length === 1 ? expandRange(inner, refuse) : parts.flatMap((part) => expandPart(part, inner, refuse));
  const endings = expandBraces(glob.slice(end + 1), refuse);
  if (alternatives.length * endings.length > MOST_ALTERNATIVES)
    refuse(`stands for more than ${MOST_ALTERNATIVES} globs; "*" stands for anything, [0-9] for one digit`);
  return alternatives.flatMap((alternative) => endings.map((ending) => before + alternative + ending));
}

/** What is between the brace at `open` and the one that closes it, at its commas. */
function splitBraces(glob: string, open: number): { readonly parts: readonly string[]; readonly end: number } | undefined {
  const parts: string[] = [];
  let depth = 0;
  let start = open + 1;
  for (let i = open; i < glob.length; i++) {
    const character = glob.charAt(i);
    if (character === "{") depth++;
    else if (character === "}") depth--;
    if (depth > 0 && (depth > 1 || character !== ",")) continue;
    parts.push(glob.slice(start, i));
    start = i + 1;
    if (depth === 0) return { parts, end: i };
  }
  return undefined;
}

/** A shell takes `{1..3,7}` for the texts `1..3` and `7`, which nobody means. */
function expandPart(part: string, inner: string, refuse: (why: string) => never): readonly string[] {
  if (!part.includes("{") && part.includes("..")) refuse(`{${inner}}: a range has braces of its own, as in {{1..3},7}`);
  return expandBraces(part, refuse);
}

/** Numbers from one to the other, with as many digits where one begins with 0, or letters of one case. */
function expandRange(inner: string, refuse: (why: string) => never): readonly string[] {
  const [from, to, ...more] = inner.split("..");
  if (from === undefined || to === undefined || more.length > 0)
    return refuse(`{${inner}}: expected two alternatives at least, {a,b}, or a range, {8..12}`);
  if (from.length === 1 && /^(?:[a-z]{2}|[A-Z]{2})$/.test(from + to))
    return countFrom(from.charCodeAt(0), to.charCodeAt(0)).map((code) => String.fromCharCode(code));
  if (!/^\d+$/.test(from) || !/^\d+$/.test(to))
    return refuse(`{${inner}}: a range goes from one number or letter to another, as in {8..12}`);
  if (Math.abs(Number(from) - Number(to)) >= MOST_ALTERNATIVES)
    return refuse(`{${inner}}: has more than ${MOST_ALTERNATIVES} numbers; "*" stands for anything, [0-9] for one digit`);
  if (!Number.isSafeInteger(Number(from)) || !Number.isSafeInteger(Number(to)))
    return refuse(`{${inner}}: the numbers of a range have at most 15 digits`);
  const digits = [from, to].some((number) => /^0\d/.test(number)) ? Math.max(from.length, to.length) : 0;
  return countFrom(Number(from), Number(to)).map((number) => String(number).padStart(digits, "0"));
}

function countFrom(one: number, other: number): number[] {
  const first = Math.min(one, other);
  return Array.from({ length: Math.abs(one - other) + 1 }, (_, i) => first + i);
}
