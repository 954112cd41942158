import { describe, expect, test } from "vitest";
import { parsePolicyFile } from "#regcheck/retention/policy-file.js";
import { planUntagByPolicy } from "#regcheck/untag-by-policy.js";
import type { PolicyUntagOptions } from "#regcheck/untag-by-policy.js";
import { FilesystemStorage } from "#regcheck/storage/filesystem/filesystem.js";
import { AgedRegistry } from "../support/retained.js";
import { written } from "../support/temporary.js";

const OLD = '- {name: old, action: {type: Delete}, condition: {tags: ["**"], olderThan: 30d}}';
const VERSIONS = '- {name: all, action: {type: Delete}, condition: {tags: ["v*"]}}';
const keep = (fields: string): string => `- {name: kept, action: {type: Keep}, condition: {${fields}}}`;
const LIMITS = { maxUntag: 1, allowUnused: false, allowEmpty: false };

/** Evidence and remedy of each rule of retention that refuses. */
async function refusals({ builder }: AgedRegistry, policy: string, change: Partial<PolicyUntagOptions> = {}): Promise<string[]> {
  const storage = FilesystemStorage.open(written(builder.tree), { concurrency: 1 });
  const now = Math.floor(Date.now() / 1000);
  const retention = { retention: parsePolicyFile(policy, "p.yaml"), file: "p.yaml", detail: "decisions" as const };
  try {
    const { verdicts } = await planUntagByPolicy(storage, {
      check: { policy: { deleteUntagged: false, dropDanglingTags: false, grace: 3600, now, pins: [], retention } },
      writers: { registryUrls: [], registryStopped: true, config: undefined, probe: {} },
      quarantine: false,
      journalDirectory: "/none",
      signal: new AbortController().signal,
      ...LIMITS,
      ...change,
    });
    return verdicts.flatMap(({ rule, passed, evidence, remedy = "" }) => (passed ? [] : [`${rule}: ${evidence}. ${remedy}`]));
  } finally {
    await storage.close();
  }
}

function registry(tags: Readonly<Record<string, number>>, repository = "team/app"): AgedRegistry {
  const aged = new AgedRegistry();
  aged.images(repository, tags);
  return aged;
}

describe("a keep policy that selects nothing", () => {
  const aged = registry({ a: 90, b: 1 });

  test.each([
    ["a slip in a tag", keep("tags: [relase-*]")],
    ["a slip in a repository", keep("repositories: [taem/*]")],
    ["a time that nothing is in", keep("newerThan: 1h")],
    ["referrers, which are never selected", keep('tags: ["sha256-*"]')],
    [
      "versions, where there are none",
      "- {name: kept, action: {type: Keep}, mostRecentVersions: {keepCount: 1, orderBy: semver}}",
    ],
  ])("is refused: %s", async (_, policy) => {
    expect(await refusals(aged, `${OLD}\n${policy}`)).toEqual([
      "keep-policies-used: no tag of any repository is selected by 1 keep policy: kept. Look for a slip in the names and globs. If it is meant to select nothing yet, allow it with --allow-unused.",
    ]);
    expect(await refusals(aged, `${OLD}\n${policy}`, { allowUnused: true })).toEqual([]);
  });

  test("is none where it selects what would stay anyway, or what damage holds back", async () => {
    expect(await refusals(aged, `${OLD}\n${keep("tags: [b]")}`)).toEqual([]);
    const held = registry({ a: 90, b: 1 });
    const broken = held.images("broken", { release: 1, other: 1 });
    held.builder.tree.write(`${broken.path}/_manifests/tags/other/current/link`, "");
    expect(await refusals(held, `${OLD}\n${keep("repositories: [broken], tags: [release]")}`)).toEqual([]);
  });
});

describe("more tags than are allowed", () => {
  test("are refused, of all that are judged", async () => {
    const aged = registry({ a: 90, b: 80, c: 1 });
    expect(await refusals(aged, OLD, { maxUntag: 0.5 })).toEqual([
      "max-untag: 2 of 3 tags (67 %) would go, which is more than 50 %. If that is what you expect, allow it with --max-untag 67%.",
    ]);
    expect(await refusals(aged, OLD, { maxUntag: 0.67 })).toEqual([]);
    aged.images("other", { d: 1 });
    expect(await refusals(aged, OLD, { maxUntag: 0.5 })).toEqual([]);
  });
});

describe("the last tag of a repository", () => {
  test("is refused, whatever else is not judged there", async () => {
    const aged = registry({ a: 90, b: 80 });
    const app = aged.images("other", { c: 1, d: 90 });
    app.deleteManifest({
      digest: aged.builder.tree.text(`${app.path}/_manifests/tags/c/current/link`) ?? "",
      mediaType: "",
      size: 0,
    });
    expect(await refusals(aged, OLD)).toEqual([
      "last-tags: 2 repositories would lose all tags: other, team/app. Write a Keep policy with mostRecentVersions for them; or, if they are to be emptied, allow it with --allow-empty.",
    ]);
    expect(await refusals(aged, OLD, { allowEmpty: true })).toEqual([]);
  });

  test("is refused, too, where a signature of it is kept", async () => {
    const aged = registry({ a: 90 });
    const hex = (
      aged.builder.tree.text(`${aged.builder.repository("team/app").path}/_manifests/tags/a/current/link`) ?? ""
    ).slice(7);
    aged.images("team/app", { [`sha256-${hex}.sig`]: 80 });
    expect(await refusals(aged, `${OLD}\n${keep('tags: ["*.sig"]')}`, { maxUntag: 0.5 })).toEqual([
      expect.stringMatching(/^max-untag: 1 of 1 tags /),
      expect.stringMatching(/^last-tags: /),
    ]);
  });

  test("is none where one stays", async () => {
    expect(await refusals(registry({ a: 90, b: 1 }), OLD)).toEqual([]);
  });
});

describe("times that a restore has made", () => {
  test("are those of tags that are not judged for theirs, too", async () => {
    const aged = registry({ v1: 40, v2: 40, v3: 40, new: 1 });
    for (const tag of ["v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12"]) {
      const app = aged.builder.repository("team/app");
      const { digest } = aged.pushed(40.01, () => app.image({ layers: [tag], config: tag }));
      aged.pushed(40, () => app.tag(tag, digest));
    }
    expect(await refusals(aged, OLD)).toEqual([expect.stringMatching(/^push-times: more than 80 %/)]);
  });

  const restored = { v1: 40, v2: 40, v3: 40.01, v4: 40.02, v5: 40.03, v6: 40, new: 1 };

  test("are refused where a policy goes by time", async () => {
    expect(await refusals(registry(restored), OLD)).toEqual([
      "push-times: more than 80 % of the tags that count were written within one hour in 1 repository: team/app. A storage that was restored or copied has lost the times of its pushes. Write a Keep policy for these repositories, or for them policies that go by tags or versions alone.",
    ]);
    const newest = "- {name: newest, action: {type: Keep}, mostRecentVersions: {keepCount: 1}}";
    expect(await refusals(registry(restored), `${VERSIONS}\n${newest}`)).toHaveLength(1);
  });

  test.each([
    ["no policy goes by time", VERSIONS],
    [
      "none that is about the repository does",
      `${VERSIONS}\n- {name: o, action: {type: Delete}, condition: {repositories: [other], olderThan: 30d}}`,
    ],
    ["nothing goes there", `${OLD}\n${keep('repositories: ["team/*"]')}`],
  ])("are none where %s", async (_, policy) => {
    expect(await refusals(registry(restored), policy)).toEqual([]);
  });

  test("are none where a fifth was pushed at another time, or there are few images", async () => {
    expect(await refusals(registry({ ...restored, newer: 2 }), OLD)).toEqual([]);
    const release = registry({ v1: 40, new: 1 });
    const app = release.builder.repository("team/app");
    const digest = release.builder.tree.text(`${app.path}/_manifests/tags/v1/current/link`) ?? "";
    release.pushed(40, () => ["v1.0", "v1.0.0", "stable", "edge", "a", "b"].forEach((tag) => app.tag(tag, digest)));
    expect(await refusals(release, OLD)).toEqual([]);
  });

  /** So many repositories of four images each, all written within two minutes. */
  function copied(repositories: number): AgedRegistry {
    const aged = new AgedRegistry();
    for (let i = 0; i < repositories; i++) aged.images(`team/app-${i}`, { v1: 40, v2: 40.0005, v3: 40.001, v4: 40.0014 });
    return aged;
  }

  const NEWEST = "- {name: newest, action: {type: Keep}, mostRecentVersions: {keepCount: 2}}";

  test("are refused for the whole registry, of small repositories", async () => {
    const remedy =
      "A storage that was restored or copied has lost the times of its pushes. Write a Keep policy for these repositories, or for them policies that go by tags or versions alone.";
    expect(await refusals(copied(20), `${VERSIONS}\n${NEWEST}`)).toEqual([
      `push-times: more than 80 % of all tags that count were written within one hour; tags would go from 20 repositories: team/app-0, team/app-1, team/app-10, team/app-11, team/app-12, …, with several images of that hour. ${remedy}`,
    ]);
    const later = copied(3);
    later.images("team/busy", { v1: 40, v2: 40, new: 1, newer: 0.5 });
    const keepOthers = keep('repositories: ["team/app-*"]');
    expect(await refusals(later, `${OLD}\n${keepOthers}`)).toEqual([
      `push-times: more than 80 % of all tags that count were written within one hour; tags would go from 1 repository: team/busy, with several images of that hour. ${remedy}`,
    ]);
  });

  test.each([
    ["no policy goes by time", VERSIONS],
    ["nothing goes by time", `${VERSIONS}\n${keep("olderThan: 30d")}`],
  ])("are none for the whole registry where %s", async (_, policy) => {
    expect(await refusals(copied(20), policy, { allowEmpty: true })).toEqual([]);
  });

  test("are none for the whole registry where a fifth was pushed at another time, or there are few images", async () => {
    const later = copied(3);
    later.images("team/later", { new: 1, newer: 2, newest: 3 });
    expect(await refusals(later, `${VERSIONS}\n${NEWEST}`)).toEqual([]);
    expect(await refusals(copied(1), `${VERSIONS}\n${NEWEST}`)).toEqual([]);
  });

  test("are none where one build pushes an image to each of many repositories, by several tags", async () => {
    const ci = new AgedRegistry();
    for (let i = 0; i < 20; i++) {
      const app = ci.images(`app-${i}`, { nightly: 0.1, ...(i === 0 ? { old: 40, older: 50 } : {}) });
      const digest = ci.builder.tree.text(`${app.path}/_manifests/tags/nightly/current/link`) ?? "";
      ci.pushed(0.1, () => ["latest", "main"].forEach((tag) => app.tag(tag, digest)));
    }
    expect(await refusals(ci, OLD)).toEqual([]);
  });
});
