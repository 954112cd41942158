import { describe, expect, test } from "vitest";
import { evaluate } from "#regcheck/retention/evaluate.js";
import { parsePolicyFile } from "#regcheck/retention/policy-file.js";
import { readReadme } from "../support/readme.js";

const NOW = 1_800_000_000;
const DAY = 86_400;

/** What README says to write for what somebody has in another tool, by how that begins; only rows that say to write a policy. */
function readmePolicies(): ReadonlyMap<string, string> {
  const table = readReadme().split("| you have this | write this |\n|---|---|\n")[1]?.split("\n\n", 1)[0] ?? "";
  const rows = table.split("\n").map((row): [string, string] => {
    const [had = "", write = ""] = row.slice("| ".length).split(" | ");
    return [had, [...write.matchAll(/`(\{name: .*?)`/g)].map(([, policy = ""]) => `- ${policy}`).join("\n")];
  });
  return new Map(rows.filter(([, policies]) => policies !== ""));
}

/** Tags that go of these, of an image each, by the days since they were pushed. */
function going(policies: string, tags: Readonly<Record<string, number>>): string[] {
  const judged = Object.entries(tags).map(([name, days], image) => ({ name, image, pushed: NOW - days * DAY }));
  const { decisions } = evaluate(
    parsePolicyFile(policies, "README.md"),
    { name: "team/app", tags: judged, referrers: [], others: [], forEachKept: () => {} },
    { now: NOW, grace: 3600, isPinned: () => false, isPlanned: () => true },
  );
  return judged.flatMap(({ name }, i) => (decisions[i]?.goes === true ? [name] : []));
}

/** So many tags, one pushed a day later than the other. */
function numbered(prefix: string, count: number): Record<string, number> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`${prefix}${i + 1}`, i + 1]));
}

describe("README's policies do what the other tool's rule does", () => {
  const policies = readmePolicies();
  const examples: readonly [had: string, tags: Readonly<Record<string, number>>, goes: readonly string[]][] = [
    ["Harbor: retain the 10 most recently pushed", numbered("t", 12), ["t11", "t12"]],
    ["Harbor: retain what was pushed within", { a: 31, b: 29, "release-1": 400, "a-release-1": 31 }, ["a", "a-release-1"]],
    ["ECR: expire `tagPrefixList: [dev]`", { "dev-1": 15, dev: 20, "dev-2": 13, "my-dev": 20 }, ["dev-1", "dev"]],
    ["ECR: expire `tagPatternList", { ...numbered("prod-", 102), other: 900 }, ["prod-101", "prod-102"]],
    [
      "GitLab: keep the 10 most recent",
      { ...numbered("t", 10), old: 91, young: 89, v1: 400, v: 400, "a-v1": 400, latest: 400 },
      ["old", "v", "a-v1"],
    ],
    ["zot: `keepTags`", { ...numbered("v2.", 7), "v1.9": 1, main: 1 }, ["v2.6", "v2.7", "v1.9", "main"]],
  ];

  test.each(examples)("%s", (had, tags, goes) => {
    const [found = ""] = [...policies].flatMap(([row, written]) => (row.startsWith(had) ? [written] : []));
    expect(found).not.toBe("");
    expect(going(found, tags)).toEqual(goes);
  });

  test("each of them is tried", () => {
    expect([...policies.keys()].filter((row) => !examples.some(([had]) => row.startsWith(had)))).toEqual([]);
  });
});
