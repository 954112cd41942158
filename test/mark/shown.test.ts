import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { check } from "#regcheck/check.js";
import type { Finding, FindingCode } from "#regcheck/mark/finding.js";
import { PROXY_STATE } from "#regcheck/registry/layout.js";
import { BaselineReader } from "#regcheck/report/baseline-reader.js";
import { formatNdjson } from "#regcheck/report/ndjson.js";
import { formatPrometheus } from "#regcheck/report/prometheus.js";
import type { Report } from "#regcheck/report/report.js";
import { isShown } from "#regcheck/report/repository-filter.js";
import type { RepositoryFilter } from "#regcheck/report/repository-filter.js";
import { FilesystemStorage } from "#regcheck/storage/filesystem/filesystem.js";
import { NO_BLOBS } from "#regcheck/storage/listing.js";
import { blobFile, RegistryBuilder, TYPES } from "../support/builder.js";
import type { Descriptor } from "../support/builder.js";
import { LONG_AGO } from "../support/registry-tree.js";
import type { RegistryTree } from "../support/registry-tree.js";
import { written } from "../support/temporary.js";

const TOOL = { name: "regcheck", version: "1.2.3" };
const REGISTRY = 1000;

interface Run {
  /** Blobs that are out of the registry's reach. */
  readonly closed?: readonly Descriptor[];
  readonly archived?: readonly Descriptor[];
  /** The repositories that the report is about; all without. */
  readonly of?: readonly string[] | undefined;
  readonly verify?: boolean;
  readonly baseline?: Report;
}

function filterOf(names: readonly string[]): RepositoryFilter {
  return { glob: names.join(), matches: (name) => names.includes(name) };
}

async function checked(directory: string, { closed = [], archived = [], of, verify, baseline }: Run = {}): Promise<Report> {
  const storage = FilesystemStorage.open(directory, { concurrency: 1 });
  const blobs = storage.blobs.bind(storage);
  storage.blobs = async function* listed() {
    for await (const batch of blobs()) yield { ...batch, owners: [] };
    yield {
      ...NO_BLOBS,
      archived: archived.map(({ digest }) => blobFile(digest)),
      owners: [{ user: REGISTRY, count: 9, closedToOwner: closed.map(({ digest }) => blobFile(digest)), closedToOthers: [] }],
    };
  };
  const filter = of && filterOf(of);
  const reader = new BaselineReader({ storage: { driver: "filesystem", location: directory }, filter });
  for (const line of baseline === undefined ? [] : [...formatNdjson(baseline, TOOL, 0)].join("").trimEnd().split("\n"))
    reader.push(line);
  try {
    return await check(storage, {
      policy: { deleteUntagged: false, dropDanglingTags: false, grace: 0, now: LONG_AGO + 1, pins: [] },
      filter,
      verify: verify === true ? { part: 1, parts: 1 } : undefined,
      baseline: baseline && reader.end(),
    });
  } finally {
    await storage.close();
  }
}

function told(report: Report): string[] {
  return Array.from(report.findings(), ({ code, repository }: Finding) => [code, repository ?? []].flat().join(" "));
}

/** `app` and `two` have an image of one layer, `other` has one of its own. */
function sharing(): { registry: RegistryBuilder; layer: Descriptor; directory: string } {
  const registry = new RegistryBuilder();
  const layer = registry.blob("a layer");
  for (const name of ["app", "two"])
    registry.repository(name).image({ layers: [registry.repository(name).mount(layer)], tag: "1" });
  registry.repository("other").image({ layers: ["of other"], config: "of other", tag: "1" });
  return { registry, layer, directory: written(registry.tree) };
}

describe("a blob that several repositories have", () => {
  test.each(["closed", "archived"] as const)("is shown with each of them, and with no other, where it is %s", async (how) => {
    const { layer, directory } = sharing();
    const code = how === "closed" ? "blob-unreadable" : "object-archived";
    for (const of of [undefined, ["app"], ["two"], ["app", "two", "other"]])
      expect(told(await checked(directory, { [how]: [layer], of }))).toEqual([code]);
    expect(told(await checked(directory, { [how]: [layer], of: ["other"] }))).toEqual([]);
  });

  test("is no error of a repository that has nothing of it", async () => {
    const { registry } = sharing();
    const own = registry.repository("two").push("of two alone");
    registry.repository("two").image({ layers: [own], config: "two", tag: "2" });
    const directory = written(registry.tree);
    expect(told(await checked(directory, { closed: [own] }))).toEqual(["blob-unreadable two"]);
    expect(told(await checked(directory, { closed: [own], of: ["app"] }))).toEqual([]);
  });

  test("is empty, and only a manifest elsewhere says its size", async () => {
    const registry = new RegistryBuilder();
    const [app, two] = [registry.repository("app"), registry.repository("two")];
    const layer = two.push("a layer");
    two.image({ layers: [layer], tag: "1" });
    const { size: _, ...unsized } = app.mount(layer);
    app.image({ more: { layers: [] }, layers: [unsized as Descriptor], tag: "1" });
    registry.tree.write(blobFile(layer.digest), "", LONG_AGO);
    const directory = written(registry.tree);
    expect(told(await checked(directory))).toEqual(["blob-size-mismatch two"]);
    expect(told(await checked(directory, { of: ["two"] }))).toEqual(["blob-size-mismatch two"]);
    expect(told(await checked(directory, { of: ["app"] }))).toEqual(["blob-corrupt"]);
  });

  /** What is a manifest of `two` is a layer of `app`. */
  function manifestAsLayer(): { tree: RegistryTree; manifest: Descriptor; content: string } {
    const registry = new RegistryBuilder();
    const [app, two] = [registry.repository("app"), registry.repository("two")];
    const manifest = two.image({ layers: [], tag: "1" });
    app.image({ layers: [{ ...app.mount(manifest), mediaType: TYPES.layer }], tag: "1" });
    registry.repository("other").image({ config: "of other", tag: "1" });
    const content = registry.tree.files.get(blobFile(manifest.digest))?.content.toString() ?? "";
    registry.tree.write(blobFile(manifest.digest), "x".repeat(manifest.size), LONG_AGO);
    return { tree: registry.tree, manifest, content };
  }

  test.each([true, false])("is rotten, and a manifest elsewhere (--verify: %s)", async (verify) => {
    const directory = written(manifestAsLayer().tree);
    expect(told(await checked(directory, { verify, of: ["two"] }))).toEqual(["manifest-corrupt two"]);
    const report = await checked(directory, { verify, of: ["app"] });
    expect(told(report)).toEqual(["blob-corrupt"]);
    expect(formatPrometheus(report, TOOL, undefined)).toMatch(/regcheck_findings\{[^}]*code="blob-corrupt"[^}]*\} 1\n/);
    expect(told(await checked(directory, { verify, of: ["other"] }))).toEqual([]);
  });

  test("is gone from a baseline when it is sound again, whether or not blobs are read", async () => {
    const { tree, manifest, content } = manifestAsLayer();
    const directory = written(tree);
    const before = await checked(directory, { of: ["app"] });
    expect((await checked(directory, { of: ["app"], baseline: before })).baseline).toMatchObject({ new: 0, gone: 0, unread: [] });
    fs.writeFileSync(path.join(directory, blobFile(manifest.digest)), content);
    expect((await checked(directory, { of: ["app"], baseline: before })).baseline).toMatchObject({ new: 0, gone: 1, unread: [] });
  });
});

describe("what is everybody's affair", () => {
  test("is shown with any filter: a registry that does not start serves none of them", async () => {
    const { registry } = sharing();
    registry.tree.write(PROXY_STATE, "", LONG_AGO);
    const directory = written(registry.tree);
    expect(told(await checked(directory, { of: ["other"] }))).toContain("proxy-state-invalid");
  });

  test.each<[FindingCode, string | undefined, boolean]>([
    ["stray-stops-registry", undefined, true],
    ["stray-stops-registry", "two", true],
    ["bucket-expires", undefined, true],
    ["truth-elsewhere", undefined, true],
    ["stray-object", undefined, false],
    ["manifest-corrupt", "two", false],
    ["manifest-corrupt", "app", true],
  ])("%s of %s", (code, repository, isTold) => {
    expect(isShown({ code, repository }, filterOf(["app"]), () => false)).toBe(isTold);
  });
});

describe("a baseline", () => {
  test.each(["closed", "archived"] as const)("knows a blob whatever repositories link it, where it is %s", async (how) => {
    const { registry, layer, directory } = sharing();
    registry.repository("two").remove("_layers");
    registry.repository("two").remove("_manifests");
    const alone = written(registry.tree);
    const before = await checked(alone, { [how]: [layer] });
    expect(told(before).some((line) => line.endsWith(" app"))).toBe(true);
    const moved: Report = { ...before, storage: { driver: "filesystem", location: directory } };
    expect((await checked(directory, { [how]: [layer], baseline: moved })).baseline).toMatchObject({ new: 0, gone: 0 });
  });

  test("of all repositories neither makes anew nor misses what is said of a shared blob with a filter", async () => {
    const { registry } = sharing();
    const garbage = registry.blob("garbage of two");
    for (const name of ["app", "two"]) registry.repository(name).mount(garbage);
    const layer = registry.repository("other").push("closed, of other");
    registry.repository("other").image({ layers: [layer], config: "third", tag: "3" });
    const directory = written(registry.tree);
    const all = await checked(directory, { closed: [layer] });
    for (const of of [["app"], ["app", "two"], ["other"]])
      expect((await checked(directory, { closed: [layer], of, baseline: all })).baseline).toMatchObject({ new: 0, gone: 0 });
    const some = await checked(directory, { of: ["app", "two"] });
    expect(told(some)).toContain("blob-unreferenced");
    const again = await checked(directory, { of: ["app", "two"], baseline: some });
    expect(again.baseline).toMatchObject({ new: 0, gone: 0 });
  });
});
