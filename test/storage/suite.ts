import fs from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { check } from "#regcheck/check.js";
import { Digest } from "#regcheck/registry/digest.js";
import { tagPath } from "#regcheck/registry/layout.js";
import type { Policy } from "#regcheck/mark/policy.js";
import type { VerifyPart } from "#regcheck/mark/verify.js";
import { formatJson } from "#regcheck/report/json.js";
import { FilesystemStorage } from "#regcheck/storage/filesystem/filesystem.js";
import type { RepositoryListing } from "#regcheck/storage/listing.js";
import type { Storage } from "#regcheck/storage/storage.js";
import { arbitraryRegistry, describeTree, isPushedTo, GRACE, NOW } from "../support/arbitrary-registry.js";
import { RegistryBuilder } from "../support/builder.js";
import { buildFixture } from "../support/fixture.js";
import { generate } from "../support/generate.js";
import { RegistryTree } from "../support/registry-tree.js";
import { written } from "../support/temporary.js";
import { verifySuite } from "./verify-suite.js";

const EXPECTED = path.resolve(import.meta.dirname, "../../fixtures/registry.findings.json");

/** A backend under test. */
export interface Backend {
  /** Stores the tree and opens it. */
  readonly open: (tree: RegistryTree) => Promise<Storage>;
  /** Whether objects have the times of the tree; otherwise they were all written now. */
  readonly keepsTimes: boolean;
  /** Random registries to check. */
  readonly runs: number;
}

/** All that a report says of a storage, but for where it is, when it was read and at what price. */
export async function reportOf(
  storage: Storage,
  policy: Partial<Policy> = {},
  verify?: VerifyPart,
): Promise<Record<string, unknown>> {
  const all = {
    deleteUntagged: false,
    dropDanglingTags: false,
    grace: 0,
    now: Math.floor(Date.now() / 1000),
    pins: [],
    ...policy,
  };
  try {
    const report = await check(storage, { policy: all, verify });
    const text = [...formatJson(report, { name: "regcheck", version: "0" }, 0)].join("");
    const json = JSON.parse(text) as Record<string, unknown>;
    for (const own of ["storage", "startedAt", "finishedAt", "storageRequests"]) delete json[own];
    return json;
  } finally {
    await storage.close();
  }
}

/** A listing whose order does not matter. */
function sorted({ tags, ...listing }: RepositoryListing): unknown {
  const digestsOf = (words: Uint32Array): string[] =>
    Array.from({ length: words.length / 8 }, (_, i) => Digest.fromWords("sha256", words, i * 8).hex);
  const paths = <T extends { readonly path: string }>(some: readonly T[]): T[] =>
    some.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  const current = digestsOf(tags.current);
  return {
    name: listing.name,
    isRepository: listing.isRepository,
    revisions: digestsOf(listing.revisions.digests).sort(),
    layers: digestsOf(listing.layers.digests).sort(),
    odd: listing.oddLinks.map(({ section, hex }) => `${section} ${hex}`).sort(),
    tags: tags.names.map((name, i) => `${name} ${current[i]}`).sort(),
    history: digestsOf(tags.indexDigests).sort(),
    uploads: listing.uploads.map(({ id }) => id).sort(),
    strays: paths(listing.strays),
    faults: paths(listing.faults),
  };
}

/** What every backend must do alike: the same registry gives the same report, wherever it lies. */
export function storageSuite(backend: Backend): void {
  test("one repository by its name is what all of them have under it, with the files of its tags", async () => {
    const storage = await backend.open(buildFixture());
    for await (const listing of storage.repositories()) {
      if (listing.name === "") continue;
      const one = await storage.repository(listing.name);
      expect(sorted(one), listing.name).toEqual(sorted(listing));
      const files = await storage.filesOfTags(one, one.tags.names);
      const named = one.tags.names.map((tag) => tagPath(listing.name, tag));
      const stored = [...buildFixture().files.keys()];
      expect(files.map((some) => ("cause" in some ? some : some.toSorted()))).toEqual(
        named.map((directory) =>
          stored.flatMap((file) => (file.startsWith(`${directory}/`) ? [file.slice(directory.length + 1)] : [])).sort(),
        ),
      );
    }
    for (const name of [
      "nobody/has-this",
      "team",
      "",
      ".",
      "..",
      "../..",
      "team/../team/app",
      "_manifests",
      "/etc",
      "team//app",
    ]) {
      const { isRepository, tags, faults } = await storage.repository(name);
      expect({ isRepository, tags: tags.names, faults }, name).toEqual({ isRepository: false, tags: [], faults: [] });
    }
    await storage.close();
  });

  const bothReports = async (tree: RegistryTree, policy: Partial<Policy> = {}, verify?: VerifyPart) => ({
    expected: await reportOf(FilesystemStorage.open(written(tree), { concurrency: 1 }), policy, verify),
    found: await reportOf(await backend.open(tree), policy, verify),
  });

  test("the damaged registry of fixtures/ gives its findings", async () => {
    const expected = JSON.parse(fs.readFileSync(EXPECTED, "utf8")) as Record<string, unknown>[];
    const { findings } = (await reportOf(await backend.open(buildFixture()))) as { findings: Record<string, unknown>[] };
    const identity = ({ code, repository, tag, digest, path: file, recoverable }: Record<string, unknown>) =>
      JSON.stringify({ code, repository, tag, digest, path: file, recoverable });
    expect(findings.map(identity)).toEqual(expected.map(identity));
  });

  test("the damaged registry gives the same report as on a filesystem, with every policy", async () => {
    for (const deleteUntagged of [false, true])
      for (const dropDanglingTags of [false, true]) {
        const { found, expected } = await bothReports(buildFixture(), { deleteUntagged, dropDanglingTags });
        expect(found).toEqual(expected);
      }
  });

  test.runIf(backend.keepsTimes)(
    "random registries give the same report as on a filesystem",
    async () => {
      await fc.assert(
        fc.asyncProperty(
          arbitraryRegistry,
          fc.boolean(),
          fc.constantFrom(0, GRACE),
          fc.constantFrom(undefined, { part: 1, parts: 1 }, { part: 2, parts: 3 }),
          async ({ tree }, deleteUntagged, grace, verify) => {
            fc.pre(isPushedTo(tree));
            const { found, expected } = await bothReports(tree, { deleteUntagged, grace, now: NOW }, verify);
            expect(found, describeTree(tree)).toEqual(expected);
          },
        ),
        { numRuns: backend.runs, interruptAfterTimeLimit: 60_000 },
      );
    },
    120_000,
  );

  test("a registry of many pages gives the same report as on a filesystem", async () => {
    const tree = new RegistryTree();
    const options = { repositories: 3, images: 120, layers: 2, baseLayers: 4, multiArch: 0.1, untagged: 0.1, moved: 0.3 };
    for (const file of generate({ ...options, abandoned: 0.1, damaged: 0.05, layerBytes: 60 }))
      tree.write(file.path, file.content);
    const { found, expected } = await bothReports(tree, { deleteUntagged: true });
    expect(found).toEqual(expected);
  });

  test("a revision link to a blob that is far too large for a manifest", async () => {
    const tree = buildFixture();
    const image = new RegistryBuilder();
    image.repository("data/models").manifest(" ".repeat(4 * 1024 * 1024 + 10), "huge");
    for (const [file, { content }] of image.tree.files) tree.write(file, content);
    const { found, expected } = await bothReports(tree);
    expect(found).toEqual(expected);
  });

  verifySuite(backend);

  describe("what lies in the way", () => {
    test("keys outside the layout are strays, and nothing else", async () => {
      const tree = buildFixture();
      const below = "docker/registry/v2/repositories/library/alpine";
      for (const file of [
        "_layers/README",
        "_layers/md5/ab/link",
        "_layers/sha256/nothex/link",
        "_manifests/other/x",
        "_other/a/b",
      ])
        tree.write(`${below}/${file}`, "stray");
      tree.write(`${below}/_manifests/revisions/sha256/${"a".repeat(64)}/link.0f7c1c8e.tmp`, "stray");
      tree.write("docker/registry/v2/blobs/sha256/ab/nothex/data", "stray");
      tree.write("docker/registry/v2/blobs/md5/ab/abcd/data", "stray");
      // What names begin with, and sorts before them. A file with a name that a directory may have is a fault on a filesystem.
      for (const beginning of ["repositories/l", "repositories/librar", "repositories/library/alpin", "blobs/sha25"])
        tree.write(`docker/registry/v2/${beginning}`, "stray");
      for (const beginning of ["_layer", "_layers/sha25", "_manifests/tag", "_manifests/revisions/sha25"])
        tree.write(`${below}/${beginning}`, "stray");
      const { found, expected } = await bothReports(tree);
      expect(found).toEqual(expected);
    });

    test("a tag of which only strays are left is not called empty", async () => {
      const tree = buildFixture();
      const tag = "docker/registry/v2/repositories/library/alpine/_manifests/tags/half";
      tree.write(`${tag}/current/README`, "stray");
      const { findings } = (await reportOf(await backend.open(tree))) as { findings: Record<string, unknown>[] };
      const about = findings.filter(({ path: file }) => String(file).startsWith(tag));
      expect(about.map(({ code, path: file }) => [code, file])).toEqual([
        ["tag-without-current", tag],
        ["stray-object", expect.stringContaining(`${tag}/current`)],
      ]);
      expect(about[0]?.["message"]).not.toContain("empty");
    });
  });
}
