import { describe, expect, test } from "vitest";
import { blobFile, RegistryBuilder, TYPES } from "../support/builder.js";
import { checkTree, findingsOf } from "../support/check-tree.js";

/**
 * BuildKit before 0.21 exports its cache as an index whose `manifests` are layers and a config, pushed as blobs. A registry of 2.x takes
 * it, because it looks for manifests below `_layers` too, and serves the blobs by these very links (docker/buildx#173).
 */
describe("an index of layers", () => {
  async function findings({ tree }: RegistryBuilder) {
    return findingsOf(await checkTree(tree, { deleteUntagged: true, dropDanglingTags: true }));
  }

  function cache() {
    const registry = new RegistryBuilder();
    const repository = registry.repository("ci/cache");
    const layer = repository.push("RUN npm ci", TYPES.layer);
    const config = repository.push('{"layers":[],"records":[]}', "application/vnd.buildkit.cacheconfig.v0");
    repository.index([layer, config], "buildcache");
    return { registry, repository, layer };
  }

  test("keeps the layer links of its layers: nothing is missing, nothing is garbage", async () => {
    expect(await findings(cache().registry)).toEqual([]);
  });

  test("its layers are blobs: one that is lost is missing, one of another size is damaged", async () => {
    const lost = cache();
    lost.registry.tree.remove(blobFile(lost.layer.digest));
    expect(await findings(lost.registry)).toEqual([`blob-missing ${lost.layer.digest}`]);
    lost.registry.tree.write(blobFile(lost.layer.digest), "RUN");
    expect(await findings(lost.registry)).toEqual([`blob-size-mismatch ${lost.layer.digest}`]);
  });

  test("a manifest that registry 2.1.0 linked among the layers keeps that link", async () => {
    const registry = new RegistryBuilder();
    const repository = registry.repository("old/app");
    repository.mount(repository.image({ layers: ["a layer of 2015"], tag: "1" }));
    expect(await findings(registry)).toEqual([]);
  });

  test("once untagged, it lets them go", async () => {
    const { registry, repository } = cache();
    repository.untag("buildcache");
    // Without any tag it would be told that tags are kept elsewhere.
    registry.repository("other").image({ tag: "1" });
    expect((await findings(registry)).map((finding) => finding.split(" ")[0])).toEqual([
      "blob-unreferenced",
      "blob-unreferenced",
      "blob-unreferenced",
      "layer-link-unreferenced",
      "layer-link-unreferenced",
      "manifest-unreferenced",
      "repository-empty",
    ]);
  });
});
