import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { check } from "#regcheck/check.js";
import { FINDING_CODES } from "#regcheck/mark/finding.js";
import type { Finding } from "#regcheck/mark/finding.js";
import { FilesystemStorage } from "#regcheck/storage/filesystem/filesystem.js";
import type { VerifyPart } from "#regcheck/mark/verify.js";
import { sha256 } from "./support/builder.js";
import { buildFixture } from "./support/fixture.js";
import { RegistryTree } from "./support/registry-tree.js";

const FIXTURES = path.resolve(import.meta.dirname, "../fixtures");
const REGISTRY = path.join(FIXTURES, "registry");
const EXPECTED = path.join(FIXTURES, "registry.findings.json");
/** `npm run fixtures` writes what it should be; a reader then looks at the difference. */
const isUpdate = process.env["UPDATE_FIXTURES"] === "1";

/** Codes that no committed directory can show, and what registry 2.1.0 left, which test/mark/layer-linked.test.ts shows. */
const NOT_SHOWN = new Set<string>([
  "storage-unreadable",
  "multipart-stale",
  "truth-elsewhere",
  "tags-elsewhere",
  "revision-link-missing",
  "object-archived",
  "bucket-expires",
  "blob-unreadable",
  "upload-idle",
  "proxy-state-invalid",
  "stray-stops-registry",
]);

const ALL: VerifyPart = { part: 1, parts: 1 };

async function findingsOf(directory: string, grace = 0, verify?: VerifyPart): Promise<Finding[]> {
  const storage = FilesystemStorage.open(directory);
  try {
    const policy = { deleteUntagged: false, dropDanglingTags: false, grace, now: Math.floor(Date.now() / 1000), pins: [] };
    return [...(await check(storage, { policy, verify })).findings()];
  } finally {
    await storage.close();
  }
}

/** What identifies a finding, without the text. */
function identity({ code, repository, tag, digest, path: file, recoverable }: Finding) {
  return { code, repository, tag, digest: digest?.toString(), path: file, recoverable };
}

describe("fixtures/registry", () => {
  beforeAll(async () => {
    if (!isUpdate) return;
    fs.rmSync(REGISTRY, { recursive: true, force: true });
    buildFixture().writeTo(REGISTRY);
    fs.writeFileSync(EXPECTED, `${JSON.stringify((await findingsOf(REGISTRY)).map(identity), undefined, 2)}\n`);
  });

  test("is what test/support/fixture.ts writes", () => {
    const content = (tree: RegistryTree) =>
      new Map([...tree.files].map(([file, value]) => [file, value.content.toString("latin1")]));
    expect(content(RegistryTree.readFrom(REGISTRY))).toEqual(content(buildFixture()));
  });

  test("gives the findings of registry.findings.json", async () => {
    const expected: unknown = JSON.parse(fs.readFileSync(EXPECTED, "utf8"));
    const found: unknown = JSON.parse(JSON.stringify((await findingsOf(REGISTRY)).map(identity)));
    expect(found).toEqual(expected);
  });

  test("gives the findings of blobs that are corrupt, and no other more, with --verify", async () => {
    const verified = (await findingsOf(REGISTRY, 0, ALL)).map(identity);
    const corrupt = verified.filter(({ code }) => code === "blob-corrupt");
    expect(verified.filter(({ code }) => code !== "blob-corrupt")).toEqual((await findingsOf(REGISTRY)).map(identity));
    const tree = RegistryTree.readFrom(REGISTRY);
    // The manifest of `data/models:resnet` is known to be corrupt without.
    const rotten = [...tree.files].filter(
      ([file, { content }]) => /\/blobs\//.test(file) && !file.includes(sha256(content).slice(7)),
    );
    expect(rotten).toHaveLength(3);
    const known = verified.find(({ code }) => code === "manifest-corrupt")?.path;
    expect(corrupt.map(({ path: file }) => file)).toEqual(
      rotten
        .map(([file]) => file)
        .filter((file) => file !== known)
        .toSorted(),
    );
    expect(corrupt.map(({ repository }) => repository)).toEqual(["team/web", "team/web"]);
  });

  test("shows every code that a directory can show, and the README names each", async () => {
    const shown = new Set((await findingsOf(REGISTRY, 0, ALL)).map(({ code }) => code));
    const expected = FINDING_CODES.filter((code) => !NOT_SHOWN.has(code));
    expect(expected.filter((code) => !shown.has(code))).toEqual([]);
    const readme = fs.readFileSync(path.join(FIXTURES, "README.md"), "utf8");
    expect(FINDING_CODES.filter((code) => !readme.includes(`\`${code}\``))).toEqual([]);
  });
});

describe("the fixture with fresh times", () => {
  let directory = "";
  beforeAll(() => {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), "regcheck-fixture-"));
    const tree = buildFixture();
    for (const [file, { content }] of tree.files) tree.write(file, content, Math.floor(Date.now() / 1000));
    tree.writeTo(directory);
  });
  afterAll(() => fs.rmSync(directory, { recursive: true }));

  test("has no garbage within the grace time: all of it may be a push under way", async () => {
    const codes = new Set((await findingsOf(directory, 3600)).map(({ code }) => code));
    expect([...codes].filter((code) => ["blob-unreferenced", "layer-link-unreferenced", "upload-stale"].includes(code))).toEqual(
      [],
    );
  });
});
