import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { check } from "#regcheck/check.js";
import { S3Storage } from "#regcheck/storage/s3/s3.js";
import { arbitraryRegistry, isPushedTo, NOW } from "../../support/arbitrary-registry.js";
import { RegistryBuilder, V2 } from "../../support/builder.js";
import type { RegistryTree } from "../../support/registry-tree.js";
import { bucketOf, optionsFor, startedServer, store } from "../../support/s3-bucket.js";
import { reportOf } from "../suite.js";

/** Names that sort around each other's slashes. */
function registry(): RegistryTree {
  const builder = new RegistryBuilder();
  for (const name of ["app", "app-web", "app/web", "team", "team/app", "team-b/app"]) {
    const repository = builder.repository(name);
    const image = repository.image({ layers: [`layer of ${name}`], tag: "v1" });
    repository.tag("v1-next", image.digest);
    repository.image({ layers: [`untagged in ${name}`] });
  }
  return builder.tree;
}

interface Found {
  readonly findings: readonly { readonly code: string; readonly path: string }[];
  readonly repositories: readonly { readonly findings: object }[];
  readonly complete: boolean;
}

/** The report of a bucket with these keys besides the registry's own, in pages of so many keys. */
async function reported(tree: RegistryTree, strays: readonly string[], keysPerPage = 1000): Promise<Found> {
  const server = await startedServer();
  store(server, tree);
  for (const key of strays) server.put("b", key, "", { modified: new Date(0) });
  server.inject({ operation: "ListObjectsV2", times: Infinity, effect: { kind: "short-pages", keys: keysPerPage } });
  return (await reportOf(new S3Storage(optionsFor(server)), { now: NOW })) as unknown as Found;
}

/** The strays, and all else that the report says. */
function sift({ findings, repositories, ...rest }: Found) {
  const strays = findings.filter(({ code }) => code.startsWith("stray-")).map(({ path }) => path);
  return {
    strays,
    rest: {
      ...rest,
      findings: findings.filter(({ code }) => !code.startsWith("stray-")),
      repositories: repositories.map(({ findings: counts, ...repository }) => ({
        ...repository,
        findings: Object.entries(counts).filter(([code]) => !code.startsWith("stray-")),
      })),
    },
  };
}

/** Whether the finding is of this key, or of a directory outside the layout that has it. */
const isAbout = (path: string, key: string): boolean => key === path || key.startsWith(`${path}/`);

/** What the report says with the strays, and what it should say: each of them, and else what it says without. */
async function compared(tree: RegistryTree, strays: readonly string[], keysPerPage?: number, plain?: Found) {
  const without = sift(plain ?? (await reported(tree, [], keysPerPage)));
  const { strays: paths, rest } = sift(await reported(tree, strays, keysPerPage));
  const known = new Set(without.strays);
  const unsaid = strays.filter((key) => !paths.some((path) => isAbout(path, key)));
  const invented = paths.filter((path) => !known.has(path) && !strays.some((key) => isAbout(path, key)));
  return { found: { rest, unsaid, invented }, expected: { rest: { ...without.rest, complete: true }, unsaid: [], invented: [] } };
}

const OF_APP = `${V2}/repositories/app`;

describe("a key outside the layout is a stray, and hides nothing", () => {
  const tree = registry();
  const directories = new Set<string>();
  for (const key of tree.files.keys())
    for (let at = key.indexOf("/", V2.length + 1); at >= 0; at = key.indexOf("/", at + 1)) directories.add(key.slice(0, at + 1));
  // That one is a tag without a name: see below.
  for (const directory of directories) if (directory.endsWith("/tags/")) directories.delete(directory);

  test("a folder's marker in any one directory, as consoles make them", async () => {
    const plain = await reported(tree, []);
    // What lies within is the same in each repository.
    for (const marker of [...directories].filter(
      (directory) => !/\/_|[0-9a-f]{2}\/$/.test(directory) || directory.includes("/team/app/"),
    )) {
      const { found, expected } = await compared(tree, [marker], 1000, plain);
      expect(found).toEqual(expected);
    }
  });

  test("markers in all directories", async () => {
    for (const keysPerPage of [1000, 7]) {
      const { found, expected } = await compared(tree, [...directories], keysPerPage);
      expect(found).toEqual(expected);
    }
  });

  test.each([
    `${V2}/repositories/a`,
    `${V2}/repositories/app`,
    `${V2}/repositories/te`,
    `${V2}/repositories/team`,
    `${V2}/repositories/team/a`,
    `${V2}/repositories/team/app`,
    `${V2}/repositories/_layers/sha256/aa/link`,
    `${V2}/repositories//app/_layers/sha256/aa/link`,
    `${OF_APP}/_`,
    `${OF_APP}/_layers`,
    `${OF_APP}/_layers/sha256`,
    `${OF_APP}/_manifests`,
    `${OF_APP}/_manifests/tags`,
    `${OF_APP}/_manifests/tags/.DS_Store`,
    `${OF_APP}/_uploads/`,
    `${V2}/blobs/sha25`,
    `${V2}/blobs/sha256`,
  ])("the object %s", async (key) => {
    const { found, expected } = await compared(tree, [key]);
    expect(found).toEqual(expected);
  });

  test("beginnings of keys, as objects and as markers, in random registries and pages of any size", async () => {
    const anyStray = fc.record({ which: fc.nat(), cut: fc.nat(), end: fc.constantFrom("", "/") });
    await fc.assert(
      fc.asyncProperty(
        arbitraryRegistry,
        fc.array(anyStray, { minLength: 1, maxLength: 6 }),
        fc.constantFrom(1, 2, 5, 1000),
        async (random, cuts, keysPerPage) => {
          const keys = [...random.tree.files.keys()];
          fc.pre(isPushedTo(random.tree));
          const strays = new Set<string>();
          for (const { which, cut, end } of cuts) {
            const key = keys[which % keys.length] ?? "";
            const first = key.indexOf("/", V2.length + 1) + 1;
            const stray = key.slice(0, first + (cut % (key.length - first))).replace(/\/$/, "") + end;
            // What has a tag's name is one, or holds its repository back: see below, and test/mark/strays.test.ts.
            const isTag = /\/_manifests\/tags\/[^/]*\/?$/.test(stray);
            if (stray.length >= first && !random.tree.files.has(stray) && !isTag) strays.add(stray);
          }
          const plain = await reported(random.tree, [], keysPerPage);
          // An empty repository stays for what is in it, and says so.
          const empty = plain.findings.flatMap(({ code, path }) => (code === "repository-empty" ? [`${path}/`] : []));
          const others = [...strays].filter((key) => !empty.some((directory) => key.startsWith(directory)));
          const { found, expected } = await compared(random.tree, others, keysPerPage, plain);
          expect(found).toEqual(expected);
        },
      ),
      { numRuns: 30, interruptAfterTimeLimit: 20_000 },
    );
  }, 120_000);
});

describe("a folder's marker that the registry lists as a tag", () => {
  const tags = `${OF_APP}/_manifests/tags`;
  test.each([
    [`${tags}/NAME/`, "tag-without-current", `${tags}/NAME`],
    [`${tags}/NAME/current/`, "tag-without-current", `${tags}/NAME`],
    [`${tags}/NAME//`, "tag-without-current", `${tags}/NAME`],
    [`${tags}/bad~name/`, "tag-name-invalid", `${tags}/bad~name`],
    [`${tags}/`, "tag-name-invalid", `${tags}/`],
    [`${tags}//x`, "tag-name-invalid", `${tags}/`],
  ])("%s: %s", async (key, code, path) => {
    for (const keysPerPage of [1000, 3]) {
      const { findings } = await reported(registry(), [key], keysPerPage);
      const about = findings.filter((finding) => finding.path.startsWith(tags) && !finding.code.startsWith("stray-"));
      expect(about).toEqual([expect.objectContaining({ code, path, severity: "warning" })]);
    }
  });

  test("holds nothing back, and is no garbage", async () => {
    const tree = registry();
    const { storage, server } = await bucketOf(tree);
    server.put("b", `${tags}/NAME/`, "");
    const { reclaimable } = await check(storage, {
      policy: { deleteUntagged: true, dropDanglingTags: false, grace: 0, now: NOW, pins: [] },
    });
    expect(reclaimable.withDeleteUntagged.revisions).toBe(6);
    await storage.close();
  });
});

test("names in any characters come whole, however the keys are divided", async () => {
  const builder = new RegistryBuilder();
  // JavaScript orders the last two the other way round than S3 does.
  for (const name of ["plain", "na\u00efve", "\u{1f600}", "\uff5e"]) {
    const repository = builder.repository(name);
    for (let i = 0; i < 40; i++) repository.image({ layers: [`${i}`], tag: `v${i}` });
  }
  const expected = await reported(builder.tree, []);
  for (const keysPerPage of [3, 10, 50]) expect(await reported(builder.tree, [], keysPerPage)).toEqual(expected);
});
