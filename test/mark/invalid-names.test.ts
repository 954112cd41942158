import { describe, expect, test } from "vitest";
import { RegistryBuilder } from "../support/builder.js";
import { checkTree } from "../support/check-tree.js";

/** No client can have written these names; what lies there is somebody's affair, so it is kept, and all that it needs. */
describe("names outside the grammar", () => {
  const everything = { deleteUntagged: true, dropDanglingTags: true };

  test("a repository keeps its untagged manifests, and the layers that nothing uses", async () => {
    const registry = new RegistryBuilder();
    registry.repository("sound").image({ config: "sound", tag: "1" });
    const repository = registry.repository("docs/UPPER");
    repository.image({ layers: ["a layer"] });
    repository.push("another layer");
    const report = await checkTree(registry.tree, everything);
    expect(report.reclaimable.withBoth).toEqual({ blobs: 0, bytes: 0, revisions: 0, layerLinks: 0 });
    expect(report.counts).toEqual({ "repository-name-invalid": 1 });
  });

  test("a dangling tag keeps its manifest, while others are dropped", async () => {
    const registry = new RegistryBuilder();
    const repository = registry.repository("team/app");
    for (const tag of ["-latest", "latest"]) {
      repository.deleteManifest(repository.image({ layers: [`a layer of ${tag}`], config: `"${tag}"`, tag }));
    }
    const report = await checkTree(registry.tree, everything);
    const dangling = [...report.findings()].filter(({ code }) => code === "tag-dangling");
    expect(dangling.map(({ tag, reclaimable }) => [tag, reclaimable])).toEqual([
      ["-latest", false],
      ["latest", true],
    ]);
    expect(report.reclaimable.withBoth).toMatchObject({ blobs: 3, layerLinks: 2 });
  });
});
