import { describe, expect, test } from "vitest";
import { blobFile, RegistryBuilder } from "../support/builder.js";
import { checkTree, findingsOf } from "../support/check-tree.js";
import { LONG_AGO } from "../support/registry-tree.js";

const now = LONG_AGO + 100_000;
const GRACE = { now, grace: 3600 };

/** A registry of long ago to which somebody is pushing now. */
describe("within the grace time", () => {
  function oldLayer() {
    const registry = new RegistryBuilder();
    const repository = registry.repository("team/app");
    const layer = repository.push("a layer of long ago");
    return { registry, repository, layer };
  }

  const blobs = (findings: readonly string[]) => findings.filter((finding) => finding.startsWith("blob-unreferenced"));

  test("a manifest without its link yet keeps the blobs that it names", async () => {
    const { registry, repository, layer } = oldLayer();
    const config = repository.push("{}");
    const old = registry.tree.files.size;
    registry.now = now - 60;
    repository.deleteManifest(repository.image({ layers: [layer], config }));
    expect(registry.tree.files.size).toBe(old + 1);
    expect(blobs(findingsOf(await checkTree(registry.tree, GRACE)))).toEqual([]);
    expect(blobs(findingsOf(await checkTree(registry.tree)))).toHaveLength(3);
  });

  test("so it does where a dangling tag names it, and these are dropped", async () => {
    const { registry, repository, layer } = oldLayer();
    const config = repository.push("{}");
    const image = repository.image({ layers: [layer], config, tag: "latest" });
    repository.deleteManifest(image);
    registry.tree.write(blobFile(image.digest), registry.tree.text(blobFile(image.digest)) ?? "", now - 60);
    const report = await checkTree(registry.tree, { ...GRACE, dropDanglingTags: true });
    expect(blobs(findingsOf(report))).toEqual([]);
    expect(report.reclaimable.withBoth.blobs).toBe(0);
  });

  test("a dangling tag is not dropped, nor what it names: a push and a delete may have crossed", async () => {
    const { registry, repository, layer } = oldLayer();
    const image = repository.image({ layers: [layer], config: "{}" });
    repository.deleteManifest(image);
    registry.now = now - 60;
    repository.tag("latest", image.digest);
    const dropped = async (grace: number) => {
      const report = await checkTree(registry.tree, { now, grace, dropDanglingTags: true });
      const tag = Array.from(report.findings()).find(({ code }) => code === "tag-dangling");
      return [tag?.reclaimable, blobs(findingsOf(report)).length, report.reclaimable.withDropDanglingTags.blobs];
    };
    expect(await dropped(3600)).toEqual([false, 0, 0]);
    expect(await dropped(0)).toEqual([true, 3, 3]);
  });

  test("and where an index of this repository has it as a child, but no link yet", async () => {
    const { registry, repository, layer } = oldLayer();
    const config = repository.push("{}");
    registry.now = now - 60;
    const child = repository.image({ layers: [layer], config });
    repository.deleteManifest(child);
    registry.now = LONG_AGO;
    repository.index([child], "latest");
    expect(blobs(findingsOf(await checkTree(registry.tree, GRACE)))).toEqual([]);
  });

  test("a layer link whose blob is gone is no garbage", async () => {
    const { registry, layer } = oldLayer();
    registry.tree.remove(blobFile(layer.digest));
    expect(findingsOf(await checkTree(registry.tree, GRACE))).toContain(`layer-link-dangling ${layer.digest}`);
    registry.now = now - 60;
    registry.repository("team/app").mount(layer);
    expect(findingsOf(await checkTree(registry.tree, GRACE))).not.toContain(`layer-link-dangling ${layer.digest}`);
  });

  test("a layer link that is not written to its end yet keeps the blob that its path names", async () => {
    const { registry, repository, layer } = oldLayer();
    registry.now = now - 60;
    repository.link(repository.layerLink(layer.digest), "");
    expect(blobs(findingsOf(await checkTree(registry.tree, GRACE)))).toEqual([]);
    expect(blobs(findingsOf(await checkTree(registry.tree)))).toEqual([`blob-unreferenced ${layer.digest}`]);
  });
});
