import { describe, expect, test } from "vitest";
import { Digest } from "#regcheck/registry/digest.js";
import { RegistryBuilder, sha256 } from "../support/builder.js";
import { checkTree, findingsOf } from "../support/check-tree.js";

function pin(text: string): Digest {
  const digest = Digest.parse(text);
  if (digest === undefined) throw new Error(`${text} is no digest`);
  return digest;
}

describe("with --delete-untagged, a pin keeps", () => {
  /** What else is untagged goes: the same registry, with nothing pinned. */
  async function kept(registry: RegistryBuilder, ...pins: readonly { readonly digest: string }[]) {
    const policy = { deleteUntagged: true };
    const all = findingsOf(await checkTree(registry.tree, policy));
    const left = findingsOf(await checkTree(registry.tree, { ...policy, pins: pins.map(({ digest }) => pin(digest)) }));
    expect(all).toEqual(expect.arrayContaining(left));
    return all.filter((line) => !left.includes(line));
  }

  test("its manifest and all of its blobs, and nothing else", async () => {
    const registry = new RegistryBuilder();
    registry.repository("sound").image({ config: "sound", tag: "1" });
    const app = registry.repository("team/app");
    const image = app.image({ layers: ["a layer"], config: '{"an":"image"}' });
    app.image({ layers: ["another layer"], config: '{"another":"image"}' });
    expect(await kept(registry, image)).toEqual([
      ...[image.digest, sha256("a layer"), sha256('{"an":"image"}')].sort().map((digest) => `blob-unreferenced ${digest}`),
      ...[sha256("a layer"), sha256('{"an":"image"}')].sort().map((digest) => `layer-link-unreferenced ${digest}`),
      `manifest-unreferenced ${image.digest}`,
      // Without the pin, nothing would be left of it.
      "repository-empty docker/registry/v2/repositories/team/app",
    ]);
  });

  test("its links in every repository that has its revision link", async () => {
    const registry = new RegistryBuilder();
    registry.repository("sound").image({ config: "sound", tag: "1" });
    const images = ["team/app", "team/copy"].map((name) => registry.repository(name).image({ layers: ["a layer"] }));
    const lines = await kept(registry, images[0] ?? { digest: "" });
    expect(lines.filter((line) => line.startsWith("manifest-unreferenced"))).toHaveLength(2);
    expect(lines.filter((line) => line === `layer-link-unreferenced ${sha256("a layer")}`)).toHaveLength(2);
  });

  test("the children of an index, and what refers to a subject", async () => {
    const registry = new RegistryBuilder();
    registry.repository("sound").image({ config: "sound", tag: "1" });
    const app = registry.repository("team/app");
    const child = app.image({ layers: ["for one platform"] });
    const index = app.index([child]);
    const signature = app.image({ layers: ["a signature"], config: '{"signature":1}', subject: child });
    const lines = await kept(registry, index);
    for (const { digest } of [child, index, signature]) expect(lines).toContain(`manifest-unreferenced ${digest}`);
    expect(lines).toContain(`blob-unreferenced ${sha256("a signature")}`);
  });

  test("its child alone, if that is what is pinned", async () => {
    const registry = new RegistryBuilder();
    registry.repository("sound").image({ config: "sound", tag: "1" });
    const app = registry.repository("team/app");
    const child = app.image({ layers: ["for one platform"] });
    app.index([child]);
    expect((await kept(registry, child)).filter((line) => line.startsWith("manifest-"))).toEqual([
      `manifest-unreferenced ${child.digest}`,
    ]);
  });

  test("what a manifest refers to that was deleted, but is still stored", async () => {
    const registry = new RegistryBuilder();
    const app = registry.repository("team/app");
    const image = app.image({ layers: ["a layer"] });
    app.deleteManifest(image);
    expect(await kept(registry, image)).toEqual(
      expect.arrayContaining([image.digest, sha256("a layer"), sha256("{}")].map((digest) => `blob-unreferenced ${digest}`)),
    );
  });
});

test("the report tells pins that can be pulled from those that cannot", async () => {
  const registry = new RegistryBuilder();
  const app = registry.repository("team/app");
  const sound = app.image({ layers: ["a layer"], config: '{"sound":1}', tag: "1" });
  const deleted = app.image({ layers: ["a layer"], config: '{"deleted":1}' });
  app.deleteManifest(deleted);
  const gone = sha256("of another registry");
  const imageId = sha256('{"sound":1}');
  const pins = [sound.digest, deleted.digest, imageId, gone, gone].map(pin);
  const report = await checkTree(registry.tree, { pins });
  expect({ ...report.pins, missing: report.pins.missing.map(String), unlinked: report.pins.unlinked.map(String) }).toEqual({
    given: 4,
    found: 3,
    missing: [gone],
    unlinked: [deleted.digest],
  });
});
