import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { sha256, TYPES, V2 } from "../support/builder.js";
import { regcheck } from "../support/run.js";
import { configOf, RegistryClient } from "./support/client.js";
import { RealRegistry, REGISTRIES } from "./support/registry.js";
import type { RegistryVersion } from "./support/registry.js";
import { makeImageDirectory, skopeoCopy } from "./support/skopeo.js";

interface Report {
  readonly complete: boolean;
  readonly totals: Readonly<Record<string, number>>;
  readonly findings: readonly {
    readonly code: string;
    readonly repository?: string;
    readonly tag?: string;
    readonly digest?: string;
    readonly recoverable?: boolean;
  }[];
}

async function check(directory: string, ...options: readonly string[]): Promise<Report> {
  const { stdout, stderr, exitCode } = await regcheck([
    directory,
    "--grace",
    "0",
    "--format",
    "json",
    "--fail-on",
    "never",
    ...options,
  ]);
  expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
  return JSON.parse(stdout) as Report;
}

/** Findings as `code repository tag digest`, sorted, with what is not there left out. */
function summary({ findings }: Report): string[] {
  return findings
    .map(({ code, repository, tag, digest }) => [code, repository, tag, digest].filter((part) => part !== undefined).join(" "))
    .sort();
}

describe.each(Object.keys(REGISTRIES) as RegistryVersion[])("the storage of registry %s", (version) => {
  let registry: RealRegistry;
  let client: RegistryClient;
  let directory = "";

  beforeEach(async () => {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), "regcheck-e2e-"));
    registry = await RealRegistry.start({ version, directory });
    client = new RegistryClient(registry.url, "team/app");
  });

  afterEach(async () => {
    await registry.stop();
    fs.rmSync(directory, { recursive: true, force: true });
  });

  test("filled by skopeo and by plain HTTP with all that is legal, has no finding", async () => {
    const image = makeImageDirectory(path.join(directory, "image"), ["a base layer", "an app"]);
    await skopeoCopy(`dir:${image}`, `docker://${registry.address}/library/app:docker`);
    await skopeoCopy(`dir:${image}`, `docker://${registry.address}/library/app:oci`, "--format", "oci");
    const children = [await client.image(["for amd64"]), await client.image(["for arm64"])];
    await client.index(children, "multi");
    const nested = await client.index([children[0] ?? fail()], "nested");
    await client.index([nested], "outer");
    const other = client.in("team/other/deeper");
    const base = await client.push("a shared base");
    await client.image([base], "base");
    await other.image([await other.mount(base, "team/app"), "and more"], "list");
    await client.image([await client.push("a layer by its sha512 digest", TYPES.layer, "sha512")], "_layers");
    const subject = await client.image(["an image with an SBOM"], "current");
    await client.image(["the SBOM"], undefined, subject);
    const report = await check(registry.root);
    expect(summary(report)).toEqual([]);
    expect(report.totals).toMatchObject({ repositories: 3, tags: 9, uploads: 0 });
  });

  test("to which known things were done, has exactly their findings", async () => {
    const kept = await client.image(["kept"], "kept");
    const moved = await client.image(["the old latest"], "latest");
    await client.copy(kept.digest, "latest");
    const deleted = await client.image(["deleted by digest"], "deleted");
    const tags = path.join(registry.root, V2, "repositories/team/app/_manifests/tags");
    fs.cpSync(path.join(tags, "deleted"), path.join(directory, "tag"), { recursive: true });
    await client.deleteManifest(deleted.digest);
    // The registry removes the revision before the tags that name it: when it is interrupted, they dangle (D#2430).
    fs.cpSync(path.join(directory, "tag"), path.join(tags, "deleted"), { recursive: true });
    await client.startUpload("half a layer");
    const report = await check(registry.root);
    expect(summary(report)).toEqual(
      [`manifest-unreferenced team/app ${moved.digest}`, `tag-dangling team/app deleted ${deleted.digest}`].sort(),
    );
    expect(report.findings.find(({ code }) => code === "tag-dangling")?.recoverable).toBe(true);
    expect(report.totals).toMatchObject({ uploads: 1, tags: 3, revisions: 2 });
    expect((await regcheck([registry.root, "--fail-on", "info"])).stdout).toContain("upload-active");

    const layer = sha256("deleted by digest");
    await registry.collect();
    const after = await check(registry.root);
    const left = [`manifest-unreferenced team/app ${moved.digest}`, `tag-dangling team/app deleted ${deleted.digest}`];
    // 2.8 collects blobs and leaves the layer links that named them.
    const config = sha256(configOf("team/app", "deleted"));
    const links = version === "2.8" ? [layer, config].map((digest) => `layer-link-dangling team/app ${digest}`) : [];
    expect(summary(after)).toEqual([...left, ...links].sort());
    expect(after.findings.find(({ code }) => code === "tag-dangling")?.recoverable).toBe(false);
  });

  test("in which a tag was deleted: the manifest stays, and nothing finds it", async (context) => {
    // 2.8 cannot delete a tag without its manifest.
    if (version === "2.8") return void context.annotate("2.8 has no such request");
    const image = await client.image(["tagged once"], "once");
    await client.request("DELETE", "manifests/once", [202]);
    expect(summary(await check(registry.root))).toEqual([`manifest-unreferenced team/app ${image.digest}`]);
  });

  test("with a schema 1 image, where the registry takes it", async () => {
    const image = makeImageDirectory(path.join(directory, "image"), ["a layer of 2014"]);
    const push = skopeoCopy(`dir:${image}`, `docker://${registry.address}/legacy/app:1`, "--format", "v2s1");
    const outcome = await push.then(
      () => "taken",
      () => "refused",
    );
    expect(outcome).toBe(version === "2.8" ? "taken" : "refused");
    const report = await check(registry.root);
    const unused = summary(report).filter((finding) => version === "2.8" || !/^(blob|layer-link)-unreferenced/.test(finding));
    expect(unused.filter((finding) => !finding.startsWith("repository-empty"))).toEqual([]);
    expect(report.totals["revisions"]).toBe(version === "2.8" ? 1 : 0);
  });

  test("full of garbage: what is unreferenced is what the real collector would take", async () => {
    const other = client.in("team/other");
    const shared = await client.push("a layer that two repositories share");
    const gone = await client.image([shared, "deleted"], "gone");
    await other.image([await other.mount(shared, "team/app"), "kept"], "kept");
    const children = [await client.image(["a child for amd64"]), await client.image(["a child for arm64"])];
    const index = await client.index(children, "multi");
    const untagged = await client.image(["untagged, but a revision"], "moved");
    await client.copy(index.digest, "moved");
    await client.push("a layer that no image uses");
    await client.deleteManifest(gone.digest);
    await other.deleteManifest((await other.index([await other.image(["a child of a deleted index"])], "gone")).digest);
    const output = await registry.collect("--dry-run");
    const eligible = [...output.matchAll(/blob eligible for deletion: (sha256:[0-9a-f]{64})/g)].map(([, digest]) => digest ?? "");
    const report = await check(registry.root, "--drop-dangling-tags");
    const unreferenced = report.findings.filter(({ code }) => code === "blob-unreferenced").map(({ digest }) => digest ?? "");
    expect(unreferenced.length).toBeGreaterThan(3);
    expect(new Set(unreferenced)).toEqual(new Set(eligible));
    expect(unreferenced).not.toContain(untagged.digest);
  });

  test("where the collector of 2.8 takes what is live, regcheck does not: a repository without layer links (D#3172)", async () => {
    const image = await client.image(["live"], "live");
    // All of an image's blobs may be linked elsewhere and mounted; an interrupted restore leaves this as well.
    fs.rmSync(path.join(registry.root, V2, "repositories/team/app/_layers"), { recursive: true });
    const report = await check(registry.root, "--drop-dangling-tags");
    expect(report.findings.filter(({ code }) => code === "blob-unreferenced")).toEqual([]);
    expect(report.findings.map(({ code }) => code)).toEqual(["layer-link-missing", "layer-link-missing"]);
    const output = await registry.collect("--dry-run").catch((error: unknown) => String(error));
    const takes = output.includes(`blob eligible for deletion: ${image.digest}`);
    // 3.1 aborts instead, and names no repository that an operator could mend (D#4443).
    expect({ takes, aborts: output.includes("Path not found") }).toEqual({ takes: version === "2.8", aborts: version === "3.1" });
  });
});

function fail(): never {
  throw new Error("unexpected");
}
