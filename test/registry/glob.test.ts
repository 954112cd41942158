import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseGlob, parsePrefix } from "#regcheck/registry/glob.js";
import type { NameKind } from "#regcheck/registry/glob.js";
import { globMatches } from "../support/glob-oracle.js";

describe("a glob", () => {
  test.each<[NameKind, string, readonly string[], readonly string[]]>([
    ["tag", "v*", ["v", "v1", "v1.0-rc"], ["", "av", "V1"]],
    ["tag", "**", ["a", "-_."], []],
    ["tag", "v**", ["v1.0"], ["1"]],
    ["tag", "v?", ["v1"], ["v", "v12"]],
    ["tag", "[!v]*", ["pr-1", "!"], ["v1", ""]],
    ["tag", "[^v]*", ["pr-1"], ["v1"]],
    ["tag", "v[!0-9]*", ["vx", "v-1"], ["v1", "v"]],
    ["tag", "[a-]", ["a", "-"], ["b"]],
    ["tag", "[-a]", ["a", "-"], ["b"]],
    ["tag", "[.]x", [".x"], ["ax"]],
    ["tag", "1.*", ["1.2"], ["1x"]],
    ["tag", "v{10..12}", ["v10", "v11", "v12"], ["v0", "v1", "v2", "v13"]],
    ["tag", "v{8..12}", ["v8", "v9", "v12"], ["v1", "v2", "v7"]],
    ["tag", "v{12..8}", ["v8", "v12"], ["v7"]],
    ["tag", "v{08..12}", ["v08", "v12"], ["v8"]],
    ["tag", "build-{100..200}.*", ["build-150.1"], ["build-1.1", "build-201.1"]],
    ["tag", "{a..c}", ["a", "b", "c"], ["d", "A"]],
    ["tag", "{a,b*}-{1,2}", ["a-1", "bx-2"], ["c-1", "a-3", "ax-1"]],
    ["tag", "v1{,.*}", ["v1", "v1.2"], ["v12"]],
    ["tag", "{{1..3},7}", ["1", "3", "7"], ["4", "1..3"]],
    ["tag", "!(v*)", ["main"], ["v1"]],
    ["tag", "!(v*|main)", ["x"], ["v1", "main"]],
    ["repository", "team/*", ["team/app"], ["team", "team/app/web", "x/team/app"]],
    ["repository", "team/**", ["team", "team/app", "team/app/web"], ["teams"]],
    ["repository", "**/web", ["web", "team/web", "a/b/web"], ["team/webs"]],
    ["repository", "a/**/b/**/c", ["a/b/c", "a/x/b/y/z/c"], ["a/c", "a/b"]],
    ["repository", "*", ["app"], ["team/app"]],
    ["repository", "team/!(web|api)", ["team/app"], ["team/web", "team/api", "team", "app"]],
    ["repository", "team?app", [], ["team/app"]],
    ["repository", "team[!a]app", ["team-app"], ["team/app"]],
    ["repository", "{team,ops/**}/app", ["team/app", "ops/app", "ops/a/app"], ["team/a/app"]],
    ["repository", "My.Host/*", ["My.Host/app"], ["my.host/app"]],
  ])("over a %s: %s", (kind, glob, yes, no) => {
    const matches = parseGlob(glob, kind);
    expect({ yes: yes.filter(matches), no: no.filter(matches) }).toEqual({ yes, no: [] });
  });

  test.each<[NameKind, string, string]>([
    ["tag", "!v1", '!v1: a glob is not negated by "!" alone: !(v*) is what does not match v*'],
    ["tag", "{!v1,x}", "of groups there is only !(…)"],
    ["tag", "[v", '[v: "[" is not closed'],
    ["tag", "v]", 'v]: no tag has "]" in its name'],
    ["tag", "[]", "[] is empty"],
    ["tag", "[!]x", "[!] is empty"],
    ["tag", "[z-a]", "[z-a]: z-a is backwards"],
    ["tag", "[A-z]", "[A-z]: a range is one of digits, or of letters of one case"],
    ["tag", "[.-9]", "a range is one of digits"],
    ["tag", "v[10-12]", "[10-12] stands for one character, and has 1 twice; for numbers write {8..12}"],
    ["tag", "[[:alpha:]]*", 'no tag has "[" in its name'],
    ["tag", "{v", '{v: "{" is not closed'],
    ["tag", "v}", '"}" closes nothing'],
    ["tag", "a}{b", '"}" closes nothing'],
    ["tag", "{v}", "{v}: expected two alternatives at least"],
    ["tag", "{}", "{}: expected two alternatives at least"],
    ["tag", "{1..3,7}", "{1..3,7}: a range has braces of its own, as in {{1..3},7}"],
    ["tag", "{v1..v3}", "{v1..v3}: a range goes from one number or letter to another"],
    ["tag", "{1..}", "{1..}: a range goes from one number or letter to another"],
    ["tag", "{ab..}", "{ab..}: a range goes from one number or letter to another"],
    ["tag", "{..ab}", "{..ab}: a range goes from one number or letter to another"],
    ["tag", "{20240101123456789..20240101123456791}", "the numbers of a range have at most 15 digits"],
    ["tag", "{1..9..2}", "{1..9..2}: expected two alternatives at least"],
    ["tag", "{1..99999999999999999999}", "has more than 1000 numbers"],
    ["tag", "{a,b}".repeat(200), "stands for more than 1000 globs"],
    ["tag", "*".repeat(1001), `${"*".repeat(40)}…: is longer than 1000 characters`],
    ["tag", "@(a|b)", 'no tag has "@" in its name'],
    ["tag", "+(a)", 'no tag has "+" in its name'],
    ["tag", "?(a)", "of groups there is only !(…)"],
    ["tag", "x!(a)", "of groups there is only !(…)"],
    ["tag", "!(a)x", "there is only !(…), for a whole part"],
    ["tag", "!(a|)", "!(…) has an empty alternative"],
    ["tag", "!(a,b)", 'no tag has "," in its name'],
    ["tag", "!({a,b})", "!(…) and {…} do not go together"],
    ["tag", String.raw`v\d`, String.raw`no tag has "\" in its name`],
    ["tag", "^v1$", 'no tag has "^" in its name'],
    ["tag", " v*", 'no tag has " " in its name'],
    ["tag", "a,b", 'no tag has "," in its name'],
    ["tag", "team/*", 'no tag has "/" in its name'],
    ["repository", "team**", "** stands for whole parts of a repository's name, as in team/** or **/app"],
    ["repository", "***", "** stands for whole parts of a repository's name"],
    ["repository", "/team/*", "no repository has an empty part in its name"],
    ["repository", "team/", "no repository has an empty part in its name"],
    ["repository", "./team", 'no repository has a part "." in its name'],
    ["repository", "team/[a/b]", '"[" is not closed'],
    ["repository", "!(a/b)", "of groups there is only !(…)"],
  ])("over a %s is refused: %s", (kind, glob, message) => {
    expect(() => parseGlob(glob, kind)).toThrow(
      expect.objectContaining({ name: "UsageError", message: expect.stringContaining(message) as unknown }),
    );
  });

  test("of many stars is answered at once", () => {
    const matches = parseGlob(`${"*a".repeat(400)}b`, "tag");
    const many = parseGlob(`${"**/a/".repeat(180)}b`, "repository");
    const started = performance.now();
    expect([matches("a".repeat(128)), many(`${"a/".repeat(120)}a`)]).toEqual([false, false]);
    expect(performance.now() - started).toBeLessThan(1000);
  });

  const character = fc.constantFrom("a", "b", "1", "2", "-");
  const word = fc.string({ unit: character, minLength: 1, maxLength: 3 });
  const sets = fc.constantFrom("[ab]", "[!a]", "[^1-2]", "[1-2b]", "[a-]");
  const braces = fc.constantFrom("{a,b}", "{1..12}", "{,a*}", "{1,{a,b}2}", "{09..11}", "{b..a}", "{*,?}");
  const part = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.array(fc.oneof(word, sets, braces, fc.constantFrom("*", "?", "*")), { minLength: 1, maxLength: 4 }),
    },
    fc.constantFrom(["**"], ["!(a*)"], ["!(b|?)"]),
  );
  const anyName = fc.array(fc.string({ unit: character, minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 4 });

  test("matches what it does by a naive reading", () => {
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 4 }), anyName, (parts, name) => {
        const glob = parts.map((one) => one.join("")).join("/");
        const kind = parts.length === 1 && name.length === 1 ? "tag" : "repository";
        let matches: (name: string) => boolean;
        try {
          matches = parseGlob(glob, kind);
        } catch {
          return fc.pre(false);
        }
        expect({ glob, name: name.join("/"), is: matches(name.join("/")) }).toEqual({
          glob,
          name: name.join("/"),
          is: globMatches(glob, name.join("/")),
        });
        return undefined;
      }),
      { numRuns: 2000 },
    );
  });
});

test("a prefix is text, and one that no name begins with is refused", () => {
  expect(["v1", "av"].map(parsePrefix("v", "tag"))).toEqual([true, false]);
  expect(["team/app", "teams"].map(parsePrefix("team/", "repository"))).toEqual([true, false]);
  expect(() => parsePrefix("v*", "tag")).toThrow('v*: no tag has "*" in its name: a prefix is no glob');
  expect(() => parsePrefix("team/", "tag")).toThrow("team/: no tag has");
});
