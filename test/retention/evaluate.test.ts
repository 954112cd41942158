import { describe, expect, test } from "vitest";
import { evaluate } from "#regcheck/retention/evaluate.js";
import type { Circumstances } from "#regcheck/retention/evaluate.js";
import type { JudgedTag } from "#regcheck/retention/judged-tag.js";
import { parsePolicyFile } from "#regcheck/retention/policy-file.js";

const NOW = 1_800_000_000;
const DAY = 86_400;

/** Tags by name: the number of the image, and days since the push. */
type Tags = Readonly<Record<string, readonly [image: number, days: number]>>;

function toTags(tags: Tags): JudgedTag[] {
  return Object.entries(tags).map(([name, [image, days]]) => ({ name, image, pushed: NOW - days * DAY }));
}

interface Around extends Partial<Circumstances> {
  readonly repository?: string;
  readonly children?: ReadonlyMap<number, readonly number[]>;
  readonly others?: readonly number[];
  /** By name: what it is about, its own image, days since the push. */
  readonly referrers?: Readonly<Record<string, readonly [subject: number, image: number, days: number]>>;
}

/** What goes. */
function judge(policy: string, tags: Tags, around: Around = {}): string[] {
  const { repository = "app", children = new Map(), others = [], referrers = {}, ...circumstances } = around;
  const own = toTags(tags);
  const about = Object.entries(referrers).map(([name, [subject, image, days]]) => ({
    name,
    image,
    subject,
    pushed: NOW - days * DAY,
  }));
  const forEachKept = (image: number, visit: (child: number) => void): void => children.get(image)?.forEach(visit);
  const { decisions, referrers: following } = evaluate(
    parsePolicyFile(policy, "p.yaml"),
    { name: repository, tags: own, referrers: about, others, forEachKept },
    { now: NOW, grace: 3600, isPinned: () => false, isPlanned: () => true, ...circumstances },
  );
  return [...own.filter((_, i) => decisions[i]?.goes === true), ...about.filter((_, i) => following[i]?.goes === true)].map(
    ({ name }) => name,
  );
}

const ALL = '- {name: all, action: {type: Delete}, condition: {tags: ["**"]}}';
const keepNewest = (fields: string): string => `${ALL}\n- {name: newest, action: {type: Keep}, mostRecentVersions: {${fields}}}`;

describe("what goes by a condition", () => {
  test("is older than, and newer than, strictly", () => {
    const policy = "- {name: x, action: {type: Delete}, condition: {olderThan: 2d, newerThan: 4d}}";
    expect(judge(policy, { a: [1, 1], b: [2, 2], c: [3, 3], d: [4, 4], e: [5, 5] })).toEqual(["c"]);
  });

  test("is nothing that was pushed in the future", () => {
    expect(judge(ALL, { a: [1, -5], b: [2, 5] }, { grace: 0 })).toEqual(["b"]);
  });

  test("is nothing in a repository that no delete policy names", () => {
    const policy = '- {name: x, action: {type: Delete}, condition: {repositories: ["infra/*"], tags: ["**"]}}';
    expect(judge(policy, { a: [1, 9] }, { repository: "app" })).toEqual([]);
  });

  test("is nothing that the reviewed plan has not", () => {
    expect(judge(ALL, { a: [1, 9], b: [2, 9] }, { isPlanned: ({ name, image }) => name === "a" && image === 1 })).toEqual(["a"]);
  });
});

describe("the most recent", () => {
  test("is counted among all images that the policy is about, not among those that would go (acr purge --keep)", () => {
    const policy = `- {name: old, action: {type: Delete}, condition: {olderThan: 30d}}
- {name: newest, action: {type: Keep}, mostRecentVersions: {keepCount: 2}}`;
    expect(judge(policy, { a: [1, 1], b: [2, 2], c: [3, 40], d: [4, 50] })).toEqual(["c", "d"]);
  });

  test("goes by the push, neither by the name nor by the order of the listing", () => {
    expect(judge(keepNewest("keepCount: 1"), { "10": [1, 9], "9": [2, 1], a: [3, 5], z: [4, 20] })).toEqual(
      ["9", "10", "a", "z"].filter((tag) => tag !== "9"),
    );
  });

  test("is an image as new as the newest of its tags, and keeps all of them that the policy is about", () => {
    expect(judge(keepNewest("keepCount: 1"), { old: [1, 90], latest: [1, 1], b: [2, 2] })).toEqual(["b"]);
    expect(judge(keepNewest('keepCount: 1, tags: ["b*"]'), { b1: [1, 5], b2: [2, 4], old: [2, 1] })).toEqual(["b1", "old"]);
  });

  test("keeps all where there are no more", () => {
    expect(judge(keepNewest("keepCount: 9"), { a: [1, 1], b: [2, 2] })).toEqual([]);
  });

  test("by time is none from the future, which stays and takes the place of no other", () => {
    expect(judge(keepNewest("keepCount: 1"), { wrong: [1, -300], a: [2, 1], b: [3, 2] })).toEqual(["b"]);
    expect(judge(keepNewest("keepCount: 1"), { wrong: [1, -300], old: [1, 9], a: [2, 1], b: [3, 2] })).toEqual(["b"]);
    expect(judge(keepNewest("keepCount: 1, orderBy: semver"), { "2.0.0": [1, -300], "1.0.0": [2, 1] })).toEqual(["1.0.0"]);
  });

  test("is about the repositories that it names", () => {
    expect(judge(keepNewest("keepCount: 9, repositories: [other]"), { a: [1, 1] })).toEqual(["a"]);
  });

  test("by version ties where versions are equal", () => {
    const tags: Tags = { "1.2": [1, 1], "v1.2.0": [2, 2], "1.2.0_b": [3, 3], "1.1.0": [4, 4] };
    expect(judge(keepNewest("keepCount: 1, orderBy: semver"), tags)).toEqual(["1.1.0"]);
  });
});

describe("referrers", () => {
  const old = "- {name: old, action: {type: Delete}, condition: {olderThan: 30d}}";

  test("go with the last tag of their image, not before (goharbor/harbor#16022)", () => {
    const referrers = { sig: [1, 10, 90] } as const;
    expect(judge(old, { a: [1, 90], b: [1, 90] }, { referrers })).toEqual(["a", "b", "sig"]);
    expect(judge(old, { a: [1, 90], b: [1, 1] }, { referrers })).toEqual(["a"]);
  });

  test("stay where their image had no tag before", () => {
    expect(judge(old, { a: [1, 90] }, { referrers: { orphan: [7, 10, 90] } })).toEqual(["a"]);
  });

  test("of a part stay with the indexes that stay, nested ones too (goharbor/harbor#11273)", () => {
    const children = new Map([
      [1, [2]],
      [2, [3]],
    ]);
    const referrers = { sig: [3, 10, 90] } as const;
    expect(judge(old, { outer: [1, 1], part: [3, 90] }, { children, referrers })).toEqual(["part"]);
    expect(judge(old, { outer: [1, 90], part: [3, 90] }, { children, referrers })).toEqual(["outer", "part", "sig"]);
    expect(judge(old, { part: [3, 90] }, { children, referrers, others: [1] })).toEqual(["part"]);
  });

  test("of referrers go with them", () => {
    expect(judge(old, { a: [1, 90] }, { referrers: { sig: [1, 10, 90], "sig of sig": [10, 11, 90] } })).toEqual([
      "a",
      "sig",
      "sig of sig",
    ]);
    expect(judge(old, { a: [1, 1] }, { referrers: { sig: [1, 10, 90], "sig of sig": [10, 11, 90] } })).toEqual([]);
  });

  test.each<[string, boolean]>([
    ['condition: {tags: [v0, "sha256-*.att"]}', true],
    ['condition: {tagPrefixes: ["sha256-"]}', true],
    ['condition: {tags: ["*.att"]}', true],
    ['condition: {tags: ["*.{sig,att}"]}', true],
    ['condition: {tags: ["{v*,sha256-*}"]}', true],
    ['condition: {tags: ["sha256-*.att"], olderThan: 30d}', true],
    ['mostRecentVersions: {tags: ["sha256-*"], keepCount: 1}', true],
    ['condition: {tags: ["sha256-*.att"], newerThan: 30d}', false],
    ['condition: {tags: ["sha256-*.sig"]}', false],
    ['condition: {repositories: [other], tags: ["sha256-*.att"]}', false],
    ['condition: {tags: ["b**", "v*"]}', false],
    ['condition: {tags: ["{v*,*-*,*.sig}"]}', false],
    ['condition: {tags: ["!(a|*.sig)"]}', false],
    ["mostRecentVersions: {keepCount: 9, orderBy: semver}", false],
  ])("stay by a policy that says it means such: {action: {type: Keep}, %s}: %j", (keep, stays) => {
    const policy = `- {name: a, action: {type: Delete}, condition: {tags: [a]}}\n- {name: k, action: {type: Keep}, ${keep}}`;
    const one = `sha256-${"1".repeat(64)}.att`;
    const other = `sha256-${"2".repeat(64)}.att`;
    const going = judge(policy, { a: [1, 90] }, { referrers: { [one]: [1, 10, 90], [other]: [1, 11, 80] } });
    expect(going).toEqual(stays ? ["a"] : ["a", one, other]);
  });

  test("that are about each other end, and stay", () => {
    expect(judge(ALL, {}, { referrers: { one: [1, 2, 9], other: [2, 1, 9] } })).toEqual([]);
  });

  test("stay while they are young or pinned, or not in the reviewed plan", () => {
    const tags: Tags = { a: [1, 90] };
    expect(judge(old, tags, { referrers: { sig: [1, 10, 0] } })).toEqual(["a"]);
    expect(judge(old, tags, { referrers: { sig: [1, 10, 9] }, isPinned: (image) => image === 10 })).toEqual(["a"]);
    expect(judge(old, tags, { referrers: { sig: [1, 10, 9] }, isPlanned: ({ name }) => name === "a" })).toEqual(["a"]);
  });
});

test("two hundred thousand tags take no square of them", () => {
  const tags = Array.from({ length: 200_000 }, (_, i) => ({ name: `1.${i}.0`, image: i >> 1, pushed: NOW - i }));
  const referrers = tags.map(({ image }, i) => ({ name: `sig ${i}`, image: 400_000 + i, subject: image, pushed: NOW - 9 * DAY }));
  const policy = parsePolicyFile(
    `${keepNewest("keepCount: 10, orderBy: semver")}\n- {name: n, action: {type: Keep}, mostRecentVersions: {keepCount: 5}}`,
    "p.yaml",
  );
  const started = process.cpuUsage();
  const { decisions } = evaluate(
    policy,
    { name: "app", tags, referrers, others: [], forEachKept: () => {} },
    { now: NOW, grace: 0, isPinned: () => false, isPlanned: () => true },
  );
  expect(decisions.filter(({ goes }) => goes)).toHaveLength(200_000 - 10 * 2 - 5 * 2);
  // Milliseconds. A square of them is 40 thousand million steps, which take longer on any machine.
  expect(process.cpuUsage(started).user / 1000).toBeLessThan(20_000);
});
