import { describe, expect, test } from "vitest";
import { parsePolicyFile } from "#regcheck/retention/policy-file.js";

const parse = (text: string) => parsePolicyFile(text, "p.yaml");

/** A delete policy x with this condition, or whatever else stands beside its name and action. */
const deletes = (condition: string): string => `- {name: x, action: {type: Delete}, condition: {${condition}}}`;
const keeps = (condition: string): string => `- {name: x, action: {type: Keep}, condition: {${condition}}}`;
const newest = (fields: string): string => `- {name: x, action: {type: Keep}, mostRecentVersions: {${fields}}}`;

describe("a policy file that is refused", () => {
  test.each([
    ["no list", "name: x", "p.yaml: expected a list of policies, each with a name, an action and a condition"],
    ["an empty list", "[]", "p.yaml: there is no policy in it"],
    ["nothing at all", "", "p.yaml: expected a list of policies"],
    ["what is no YAML", "- {name: x", "p.yaml: "],
    ["a glob that YAML takes for an alias", "- {tags: [*]}", "p.yaml: Alias cannot be an empty string at line 1, column 11"],
    ["a key that is there twice", `- {name: x, name: y}`, "p.yaml: Map keys must be unique at line 1, column 13"],
    ["several documents", `${deletes("olderThan: 1d")}\n---\n[]`, "p.yaml: Source contains multiple documents"],
    ["a glob that YAML takes for a type", keeps("tags: [!latest v1]"), "p.yaml: Unresolved tag: !latest at line 1, column 54"],
    ["a policy that is none", "- x", 'p.yaml: policy 1: expected a mapping, not "x"'],
    ["no name", "- {action: {type: Keep}}", "p.yaml: policy 1: name is missing"],
    ["a name that is a number", "- {name: 1}", "p.yaml: policy 1.name: expected a text, not 1"],
    ["two of a name", `${deletes("olderThan: 1d")}\n${keeps("tags: [a]")}`, "p.yaml: x: two policies have this name"],
    ["no action", "- {name: x}", "p.yaml: x: action is missing"],
    ["an action of another kind", "- {name: x, action: Delete}", 'p.yaml: x.action: expected a mapping, not "Delete"'],
    ["an unknown action", "- {name: x, action: {type: Remove}}", 'p.yaml: x.action.type: expected Delete or Keep, not "Remove"'],
    [
      "an unknown key of a policy",
      "- {name: x, conditions: {}}",
      "p.yaml: x.conditions: there is no such key; expected name, action,",
    ],
    [
      "an unknown key of an action",
      "- {name: x, action: {kind: Keep}}",
      "p.yaml: x.action.kind: there is no such key; expected type",
    ],
    ["an unknown key of a condition", deletes("tagPatern: [a]"), "p.yaml: x.condition.tagPatern: there is no such key"],
    [
      "a key with a name of the language's own",
      deletes("constructor: [a]"),
      "p.yaml: x.condition.constructor: there is no such key; expected tagState,",
    ],
    ["an unknown key of the newest", newest("keepCount: 1, olderThan: 1d"), "p.yaml: x.mostRecentVersions.olderThan: there is"],
    [
      "the last pull",
      keeps("pulledWithin: 30d"),
      "p.yaml: x.condition.pulledWithin: a registry does not store when a tag was last pulled",
    ],
    [
      "names of versions",
      keeps("versionNamePrefixes: [v]"),
      "p.yaml: x.condition.versionNamePrefixes: the name of an image's version is",
    ],
    ["a delete policy without a condition", "- {name: x, action: {type: Delete}}", "p.yaml: x: would take every tag"],
    ["one with an empty condition", deletes(""), "p.yaml: x.condition: would take every tag"],
    ["one of repositories alone", deletes("repositories: [a]"), "p.yaml: x.condition: would take every tag"],
    ["one of what is tagged", deletes("tagState: tagged"), "p.yaml: x.condition: would take every tag"],
    ["one of what is new", deletes("newerThan: 30d"), "p.yaml: x.condition: would take every tag"],
    [
      "a keep policy without a condition",
      "- {name: x, action: {type: Keep}}",
      "p.yaml: x: expected condition or mostRecentVersions",
    ],
    ["one with an empty condition", keeps(""), "p.yaml: x.condition: is empty: what is to be kept?"],
    [
      "untagged manifests",
      deletes("tagState: untagged, olderThan: 1d"),
      "p.yaml: x.condition.tagState: untagged: a policy takes tags only. Manifests without a tag go with a sweep: --delete-untagged",
    ],
    ["tagged or not", deletes("tagState: any, olderThan: 1d"), "p.yaml: x.condition.tagState: any: a policy takes tags only."],
    [
      "untagged manifests to keep",
      keeps("tagState: UNTAGGED"),
      "p.yaml: x.condition.tagState: untagged: a policy is about tags only.",
    ],
    ["an unknown state", keeps("tagState: all"), 'p.yaml: x.condition.tagState: expected tagged or untagged or any, not "all"'],
    ["an empty list of globs", keeps("tags: []"), "p.yaml: x.condition.tags: the list is empty"],
    [
      "an empty list of prefixes",
      deletes("tagPrefixes: [], olderThan: 1d"),
      "p.yaml: x.condition.tagPrefixes: the list is empty",
    ],
    ["an empty prefix", deletes('tagPrefixes: [""]'), 'p.yaml: x.condition.tagPrefixes: expected texts, not ""'],
    ["no list of globs", keeps("tags: v1"), 'p.yaml: x.condition.tags: expected a list, not "v1"'],
    ["a number for a tag", keeps("tags: [1.10]"), "p.yaml: x.condition.tags: expected texts, not 1.1: write it in quotes"],
    ["a negated glob", keeps('repositories: ["!a"]'), "p.yaml: x.condition.repositories: !a: a glob is not negated"],
    ["a broken glob", keeps('tags: ["v["]'), 'p.yaml: x.condition.tags: v[: "[" is not closed'],
    ["a glob of another language", deletes('tags: ["^v.*$"]'), 'p.yaml: x.condition.tags: ^v.*$: no tag has "^" in its name'],
    ["a glob for a prefix", keeps('tagPrefixes: ["v*"]'), 'p.yaml: x.condition.tagPrefixes: v*: no tag has "*" in its name'],
    [
      "a time span without a unit",
      deletes("olderThan: 30"),
      "p.yaml: x.condition.olderThan: expected a time span such as 90s, 30m, 12h or 7d, not 30",
    ],
    [
      "one of an unknown unit",
      deletes("olderThan: 3w"),
      'p.yaml: x.condition.olderThan: expected a time span such as 90s, 30m, 12h or 7d, not "3w"',
    ],
    ["one of nothing", deletes("olderThan: 0d"), "p.yaml: x.condition.olderThan: expected a time span"],
    ["no count", newest("tags: [a]"), "p.yaml: x.mostRecentVersions: keepCount is missing"],
    [
      "a count of nothing",
      newest("keepCount: 0"),
      "p.yaml: x.mostRecentVersions.keepCount: expected a whole number from 1 on, not 0",
    ],
    ["a count in words", newest("keepCount: '3'"), "p.yaml: x.mostRecentVersions.keepCount: expected a whole number from 1 on"],
    [
      "an unknown order",
      newest("keepCount: 1, orderBy: name"),
      'p.yaml: x.mostRecentVersions.orderBy: expected pushed or semver, not "name"',
    ],
    [
      "the newest to delete",
      "- {name: x, action: {type: Delete}, mostRecentVersions: {keepCount: 1}}",
      "p.yaml: x.mostRecentVersions: goes with action.type Keep",
    ],
    [
      "both kinds of a policy",
      "- {name: x, action: {type: Keep}, condition: {tags: [a]}, mostRecentVersions: {keepCount: 1}}",
      "p.yaml: x: expected condition or mostRecentVersions, not both",
    ],
  ])("%s", (_, text, message) => {
    expect(() => parse(text)).toThrow(
      expect.objectContaining({ name: "UsageError", message: expect.stringContaining(message) as unknown }),
    );
  });
});

describe("a policy file", () => {
  test("is the same in JSON and in YAML, in small letters and in capitals", () => {
    const json =
      '[{"name": "x", "action": {"type": "DELETE"}, "condition": {"tagState": "TAGGED", "tagPrefixes": ["a"], "olderThan": "30d"}}]';
    const yaml =
      "# of the team\n- name: x\n  action:\n    type: Delete\n  condition:\n    tagState: tagged\n    tagPrefixes: [a]\n    olderThan: 30d\n";
    for (const text of [json, yaml])
      expect(parse(text).policies).toMatchObject([{ name: "x", action: "delete", kind: "condition", olderThan: 30 * 86_400 }]);
  });

  test.each([
    ["90s", 90],
    ["30m", 1800],
    ["12h", 43_200],
    ["7d", 604_800],
  ])("has the time span %s", (text, seconds) => {
    expect(parse(deletes(`olderThan: ${text}`)).policies).toMatchObject([{ olderThan: seconds }]);
  });

  test("may keep tags whatever their state", () => {
    expect(parse(keeps("tagState: any, tags: [a]")).policies).toMatchObject([{ action: "keep" }]);
  });

  test.each([
    ["tags", "v*", "v1.0", true],
    ["tags", "v*", "not-v1", false],
    ["tags", "pr-1", "pr-12", false],
    ["tags", "1.*", "1x", false],
    ["tags", "**", "-_.", true],
    ["tags", "{a,b}", "b", true],
    ["tags", "!(v*)", "main", true],
    ["tags", "[0-9]*", "7", true],
    ["tags", "V*", "v1", false],
    ["tagPrefixes", "v", "v1", true],
    ["tagPrefixes", "v", "av", false],
    ["repositories", "team/*", "team/app", true],
    ["repositories", "team/*", "team/app/web", false],
    ["repositories", "team/**", "team/app/web", true],
    ["repositories", "team/**", "team", true],
    ["repositories", "team", "team/app", false],
    ["packageNamePrefixes", "web", "webapp", true],
    ["packageNamePrefixes", "web", "team/webapp", false],
  ])("%s: a glob or prefix is about the whole name: %s, %s: %s", (key, glob, name, matches) => {
    const [policy] = parse(keeps(`${key}: ["${glob}"]`)).policies;
    expect(/tag/.test(key) ? policy?.matchesTag(name) : policy?.matchesRepository(name)).toBe(matches);
  });

  test("means by several prefixes and globs that one of them matches", () => {
    const [policy] = parse(keeps('tags: ["main", "v*"], tagPrefixes: [alpha, beta]')).policies;
    expect(["main", "v1", "alpha1", "beta2", "gamma"].map((tag) => policy?.matchesTag(tag))).toEqual([
      true,
      true,
      true,
      true,
      false,
    ]);
  });
});
