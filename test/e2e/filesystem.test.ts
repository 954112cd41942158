import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { blobFile, sha256, V2 } from "../support/builder.js";
import { regcheck } from "../support/run.js";
import { configOf, RegistryClient } from "./support/client.js";
import { pushAllThatIsLegal, pushAndLetGo } from "./support/contents.js";
import { RealRegistry, REGISTRIES } from "./support/registry.js";
import type { RegistryVersion } from "./support/registry.js";
import { check, eligible, summary, unreferenced } from "./support/report.js";
import { makeImageDirectory, skopeoCopy } from "./support/skopeo.js";

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
    await pushAllThatIsLegal(registry, client, directory);
    const report = await check([registry.root]);
    expect(summary(report)).toEqual([]);
    expect(report.totals).toMatchObject({ repositories: 3, tags: 10, uploads: 0 });
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
    const report = await check([registry.root]);
    const left = [
      `manifest-unreferenced team/app ${moved.digest}`,
      `tag-dangling team/app deleted ${deleted.digest}`,
      "upload-idle team/app",
    ];
    expect(summary(report)).toEqual(left.sort());
    expect(report.findings.find(({ code }) => code === "tag-dangling")?.recoverable).toBe(true);
    expect(report.totals).toMatchObject({ uploads: 1, tags: 3, revisions: 2 });
    expect((await regcheck([registry.root, "--fail-on", "info"])).stdout).toContain("upload-active");

    const layer = sha256("deleted by digest");
    await registry.collect();
    const after = await check([registry.root]);
    // 2.8 collects blobs and leaves the layer links that named them.
    const config = sha256(configOf("team/app", "deleted"));
    const links = version === "2.8" ? [layer, config].map((digest) => `layer-link-dangling team/app ${digest}`) : [];
    expect(summary(after)).toEqual([...left, ...links].sort());
    expect(after.findings.find(({ code }) => code === "tag-dangling")?.recoverable).toBe(false);
  });

  test("with --verify, is sound until a bit of a layer flips; then that blob is found, by the part that has it", async () => {
    await client.image(["a layer", "another layer"], "1");
    const sound = await check([registry.root, "--verify"]);
    expect(summary(sound)).toEqual([]);
    expect(sound.verified).toMatchObject({ part: 1, parts: 1, blobs: 4, bytes: sound.totals["blobBytes"] });
    const digest = sha256("another layer");
    const file = path.join(registry.root, blobFile(digest));
    const content = fs.readFileSync(file);
    content[3] = (content[3] ?? 0) ^ 0b100;
    fs.writeFileSync(file, content);
    expect(summary(await check([registry.root]))).toEqual([]);
    expect(summary(await check([registry.root, "--verify"]))).toEqual([`blob-corrupt team/app ${digest}`]);
    const parts = await Promise.all([1, 2, 3].map((part) => check([registry.root, `--verify=${part}/3`])));
    expect(parts.flatMap(summary)).toEqual([`blob-corrupt team/app ${digest}`]);
    expect(parts.reduce((sum, { verified }) => sum + (verified?.["blobs"] ?? 0), 0)).toBe(4);
  });

  test("in which a tag was deleted: the manifest stays, and nothing finds it", async (context) => {
    // 2.8 cannot delete a tag without its manifest.
    if (version === "2.8") return void context.annotate("2.8 has no such request");
    const image = await client.image(["tagged once"], "once");
    await client.image(["tagged still"], "kept");
    await client.request("DELETE", "manifests/once", [202]);
    expect(summary(await check([registry.root]))).toEqual([`manifest-unreferenced team/app ${image.digest}`]);
    // Without any tag it cannot be told what is in use.
    await client.request("DELETE", "manifests/kept", [202]);
    expect(summary(await check([registry.root]))).toEqual(["tags-elsewhere"]);
  });

  test("with a schema 1 image, where the registry takes it", async () => {
    const image = makeImageDirectory(path.join(directory, "image"), ["a layer of 2014"]);
    const push = skopeoCopy(`dir:${image}`, `docker://${registry.address}/legacy/app:1`, "--format", "v2s1");
    const outcome = await push.then(
      () => "taken",
      () => "refused",
    );
    expect(outcome).toBe(version === "2.8" ? "taken" : "refused");
    const report = await check([registry.root]);
    const unused = summary(report).filter((finding) => version === "2.8" || !/^(blob|layer-link)-unreferenced/.test(finding));
    const link = path.join(registry.root, V2, "repositories/legacy/app/_manifests/tags/1/current/link");
    // 3.x takes no such push, and does not serve what 2.x has taken.
    const bound = version === "2.8" ? [`manifest-version-bound legacy/app 1 ${fs.readFileSync(link, "utf8")}`] : [];
    expect(unused.filter((finding) => !finding.startsWith("repository-empty"))).toEqual(bound);
    expect(report.totals["revisions"]).toBe(version === "2.8" ? 1 : 0);
  });

  test("full of garbage: what is unreferenced is what the real collector would take", async () => {
    const untagged = await pushAndLetGo(client);
    const taken = eligible(await registry.collect("--dry-run"));
    expect(unreferenced(await check([registry.root], "--drop-dangling-tags"))).toEqual(taken);
    expect(taken.size).toBeGreaterThan(3);
    expect(taken).not.toContain(untagged.digest);
  });
});
