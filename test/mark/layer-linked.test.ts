import { expect, test } from "vitest";
import { Digest } from "#regcheck/registry/digest.js";
import { blobFile, RegistryBuilder, sha256, TYPES } from "../support/builder.js";
import type { Descriptor, RepositoryBuilder } from "../support/builder.js";
import { checkTree, findingsOf } from "../support/check-tree.js";

/**
 * Registries of 2.x find a manifest by its layer link where it has no revision link; 2.1.0 wrote no others. What pulls on any version is
 * live; test/e2e/layer-linked.test.ts asks 2.8.
 */
function start() {
  const registry = new RegistryBuilder();
  return { registry, app: registry.repository("app") };
}

function linkAsLayer(app: RepositoryBuilder, ...manifests: readonly Descriptor[]): void {
  for (const manifest of manifests) {
    app.mount(manifest);
    app.deleteManifest(manifest);
  }
}

const EVERYTHING = { deleteUntagged: true, dropDanglingTags: true };
const offered = (findings: readonly string[]): string[] => findings.filter((line) => /-unreferenced |-dangling /.test(line));

test.each<[string, (app: RepositoryBuilder) => void]>([
  ["a tag", (app) => linkAsLayer(app, app.image({ layers: ["layer"], tag: "1" }))],
  [
    "a tagged index",
    (app) => {
      const image = app.image({ layers: ["layer"] });
      app.index([image], "1");
      linkAsLayer(app, image);
    },
  ],
  [
    "an index in an index, all of 2.1.0",
    (app) => {
      const image = app.image({ layers: ["layer"] });
      const nested = app.index([image]);
      linkAsLayer(app, image, nested, app.index([nested], "1"));
    },
  ],
  [
    "a tagged index without a media type for it",
    (app) => {
      const image = app.image({ layers: ["layer"] });
      app.index([{ digest: image.digest, size: image.size } as Descriptor], "1");
      linkAsLayer(app, image);
    },
  ],
  [
    "a bundle, as a layer that is a manifest",
    (app) => {
      const image = app.image({ layers: ["layer"] });
      linkAsLayer(app, image);
      app.image({ layers: [image], config: "bundle", tag: "1" });
    },
  ],
  [
    "a tagged index, by its sha512",
    (app) => {
      const image = app.image({ layers: ["layer"] });
      const alias = app.pushAlias(app.registry.tree.text(blobFile(image.digest)) ?? "", TYPES.image);
      app.deleteManifest(image);
      app.index([alias], "1");
    },
  ],
  [
    "a tagged index, with a layer link that was emptied",
    (app) => {
      const image = app.image({ layers: ["layer"] });
      app.index([image], "1");
      linkAsLayer(app, image);
      app.link(app.layerLink(image.digest), "");
    },
  ],
])("what %s finds by its layer link stays, with all that it names", async (name, build) => {
  const { registry, app } = start();
  build(app);
  const findings = findingsOf(await checkTree(registry.tree, EVERYTHING));
  expect(offered(findings)).toEqual([]);
  // As a layer, it is found by all versions.
  expect(findings.some((line) => line.startsWith("revision-link-missing "))).toBe(
    name !== "a bundle, as a layer that is a manifest",
  );
});

test("what a tag once named by another algorithm stays as well", async () => {
  const { registry, app } = start();
  const image = app.image({ layers: ["layer"] });
  linkAsLayer(app, image);
  const alias = app.pushAlias(registry.tree.text(blobFile(image.digest)) ?? "", TYPES.image);
  app.tag("1", alias.digest);
  app.image({ layers: ["another"], config: "another", tag: "1" });
  expect(findingsOf(await checkTree(registry.tree))).toEqual([]);
  expect(offered(findingsOf(await checkTree(registry.tree, { deleteUntagged: true })))).toEqual(
    expect.arrayContaining([`tag-index-dangling ${alias.digest}`, `layer-link-unreferenced ${alias.digest}`]),
  );
});

test("what a tag once named may be pulled by its digest: it goes with the untagged ones", async () => {
  const { registry, app } = start();
  const image = app.image({ layers: ["layer"], tag: "1" });
  linkAsLayer(app, image);
  app.image({ layers: ["another"], config: "another", tag: "1" });
  expect(findingsOf(await checkTree(registry.tree))).toEqual([]);
  const findings = offered(findingsOf(await checkTree(registry.tree, { deleteUntagged: true })));
  for (const line of [
    `blob-unreferenced ${sha256("layer")}`,
    `layer-link-unreferenced ${image.digest}`,
    `tag-index-dangling ${image.digest}`,
  ])
    expect(findings).toContain(line);
  const pins = [Digest.parse(image.digest)].filter((pin) => pin !== undefined);
  const kept = offered(findingsOf(await checkTree(registry.tree, { deleteUntagged: true, pins })));
  expect(kept).toEqual([]);
});

test("it goes with a dangling tag that is dropped, whose history alone tells that it is a manifest, unless another tag has named it", async () => {
  const { registry, app } = start();
  const image = app.image({ layers: ["layer"], tag: "1" });
  linkAsLayer(app, image);
  app.deleteManifest(app.image({ layers: ["another"], config: "another", tag: "1" }));
  const link = `layer-link-unreferenced ${image.digest}`;
  expect(offered(findingsOf(await checkTree(registry.tree)))).not.toContain(link);
  expect(offered(findingsOf(await checkTree(registry.tree, { dropDanglingTags: true })))).toContain(link);
  app.tag("2", image.digest);
  app.image({ layers: ["another"], config: "another", tag: "2" });
  expect(offered(findingsOf(await checkTree(registry.tree, { dropDanglingTags: true })))).not.toContain(link);
});

// What names it goes with the sweep; by itself nothing tells it from a layer, so that a second sweep would find it.
test("what is about a live image and found by a layer link alone goes with what names it", async () => {
  const { registry, app } = start();
  const image = app.image({ layers: ["layer"], tag: "1" });
  const signature = app.image({ layers: ["signature"], config: "signature", subject: image });
  linkAsLayer(app, signature);
  const index = app.index([signature]);
  expect(offered(findingsOf(await checkTree(registry.tree)))).toEqual([`manifest-unreferenced ${index.digest}`]);
  const findings = offered(findingsOf(await checkTree(registry.tree, { deleteUntagged: true })));
  expect(findings).toEqual(
    expect.arrayContaining([
      `manifest-unreferenced ${index.digest}`,
      `blob-unreferenced ${signature.digest}`,
      `layer-link-unreferenced ${signature.digest}`,
      `layer-link-unreferenced ${sha256("signature")}`,
    ]),
  );
});

test("a blob that an index has among its children is none, though it is linked", async () => {
  const { registry, app } = start();
  app.index([{ ...app.push("a layer"), mediaType: TYPES.image }], "cache");
  expect(findingsOf(await checkTree(registry.tree))).toEqual([]);
});
