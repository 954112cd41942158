import crypto from "node:crypto";
import { describe, expect, test } from "vitest";
import { Digest } from "#regcheck/registry/digest.js";
import { blobFile, RegistryBuilder, sha256, TYPES } from "../support/builder.js";
import type { Descriptor, RepositoryBuilder } from "../support/builder.js";
import { checkTree, findingsOf } from "../support/check-tree.js";
import { LONG_AGO } from "../support/registry-tree.js";

/**
 * Safety rule 1: damage may only shrink what goes. A link that is damaged, lost or swapped on the way from a live manifest to a blob keeps
 * every blob that it could have meant.
 */
const sha512 = (content: string): string => `sha512:${crypto.createHash("sha512").update(content).digest("hex")}`;

function start() {
  const registry = new RegistryBuilder();
  return { registry, app: registry.repository("app") };
}

/** An image whose only layer is named by its sha512; nothing names the layer otherwise. */
function aliased(app: RepositoryBuilder, ...[tag]: readonly string[]): { layer: Descriptor; image: Descriptor } {
  const layer = app.pushAlias("layer");
  return { layer, image: app.image({ layers: [layer], config: "config", ...(tag === undefined ? {} : { tag }) }) };
}

const offered = (findings: readonly string[]): string[] => findings.filter((line) => /^(?:blob|layer-link)-unref/.test(line));

describe("a link of another algorithm than sha256", () => {
  const link = (app: RepositoryBuilder): string => `${app.path}/${app.layerLink(sha512("layer"))}/link`;

  test.each<[string, string, (app: RepositoryBuilder) => void]>([
    ["empty", "layer-link-invalid", (app) => app.registry.tree.write(link(app), "")],
    ["cut short", "layer-link-invalid", (app) => app.registry.tree.write(link(app), sha256("layer").slice(0, -1))],
    ["gone", "layer-link-missing", (app) => app.registry.tree.remove(link(app))],
    ["to another blob", "link-mismatch", (app) => app.registry.tree.write(link(app), app.push("another layer").digest)],
    ["to what is not stored", "blob-missing", (app) => app.registry.tree.write(link(app), sha256("not stored"))],
    ["to a digest of its own kind", "link-mismatch", (app) => app.registry.tree.write(link(app), sha512("another"))],
    [
      "to the same as another link",
      "link-mismatch",
      (app) => {
        app.pushAlias("one more");
        app.registry.tree.write(link(app), sha256("one more"));
      },
    ],
    [
      "to another blob, of one that is stored under its own name",
      "link-mismatch",
      (app) => {
        app.registry.tree.write(blobFile(sha512("layer")), "layer");
        app.registry.tree.write(link(app), app.push("5 byt").digest);
      },
    ],
  ])("%s: is reported, and every blob stays that the repository links", async (_, code, damage) => {
    const { registry, app } = start();
    aliased(app, "latest");
    app.push("an unused layer");
    damage(app);
    const findings = findingsOf(await checkTree(registry.tree));
    expect(findings.map((line) => line.split(" ")[0])).toContain(code);
    expect(offered(findings)).toEqual([]);
  });

  /** Links the layer to another blob, of the same size: nothing but the content of all of them tells. */
  const swap = (app: RepositoryBuilder): void => app.registry.tree.write(link(app), app.push("swapp").digest);

  test("to another blob of the same size: every linked blob of that size stays, and nothing else", async () => {
    const { registry, app } = start();
    aliased(app, "latest");
    swap(app);
    app.push("of another size");
    registry.repository("other").push("other");
    registry.repository("other").image({ tag: "1" });
    expect(offered(findingsOf(await checkTree(registry.tree)))).toEqual(
      ["blob", "layer-link"].flatMap((kind) =>
        [sha256("of another size"), sha256("other")].sort().map((digest) => `${kind}-unreferenced ${digest}`),
      ),
    );
  });

  test("of a child, to another manifest of the same size: both stay, with all that they name", async () => {
    const { registry, app } = start();
    const manifests = ["a", "b"].map((name) => {
      const { digest } = app.image({ layers: [`layer ${name}`], config: `config ${name}` });
      app.deleteManifest({ mediaType: TYPES.image, digest, size: 0 });
      return app.pushAlias(registry.tree.text(blobFile(digest)) ?? "", TYPES.image);
    });
    const [child, other] = manifests;
    if (child === undefined || other === undefined) return never();
    app.index([child], "latest");
    const swapped = registry.tree.text(`${app.path}/${app.layerLink(other.digest)}/link`) ?? "";
    app.remove(app.layerLink(other.digest));
    app.link(app.layerLink(child.digest), swapped);
    for (const deleteUntagged of [false, true])
      expect(offered(findingsOf(await checkTree(registry.tree, { deleteUntagged })))).toEqual([]);
  });

  // To a registry a size of zero and none are the same, so it proves nothing: not even of a link to an empty blob.
  test.each([
    ["without a size", {}, "of another size"],
    ["of size zero", { size: 0 }, "of another size"],
    ["without a size, to an empty blob", {}, ""],
    ["of size zero, to an empty blob", { size: 0 }, ""],
  ])("of a layer %s: all stay that the repository links", async (_, size, another) => {
    const { registry, app } = start();
    const { mediaType, digest } = app.pushAlias("layer");
    const config = app.push("config", TYPES.config);
    app.manifest({ schemaVersion: 2, mediaType: TYPES.image, config, layers: [{ mediaType, digest, ...size }] }, "latest");
    registry.tree.write(link(app), app.push(another).digest);
    app.push("unused");
    expect(offered(findingsOf(await checkTree(registry.tree)))).toEqual([]);
  });

  test("damaged in one repository holds nothing of another, nor what only a dead image names", async () => {
    const { registry, app } = start();
    aliased(app);
    registry.tree.remove(link(app));
    const other = registry.repository("other").push("unused");
    registry.repository("other").image({ tag: "1" });
    const findings = offered(findingsOf(await checkTree(registry.tree, { deleteUntagged: true })));
    expect(findings).toContain(`blob-unreferenced ${other.digest}`);
    expect(findings).toContain(`blob-unreferenced ${sha256("layer")}`);
    expect(offered(findingsOf(await checkTree(registry.tree)))).toEqual([
      `blob-unreferenced ${other.digest}`,
      `layer-link-unreferenced ${other.digest}`,
    ]);
  });

  describe("lost, with the link of the digest that its blob is stored by", () => {
    const lose = (app: RepositoryBuilder, digest: string, ...more: readonly string[]): void => {
      for (const lost of [digest, ...more]) app.remove(app.layerLink(lost));
    };
    const policies = [
      { deleteUntagged: false, dropDanglingTags: false },
      { deleteUntagged: true, dropDanglingTags: true },
    ];

    test("every stored blob of the size that the manifest says stays, and nothing else", async () => {
      const { registry, app } = start();
      aliased(app, "latest");
      lose(app, sha512("layer"), sha256("layer"));
      const same = registry.blob("equal");
      const other = registry.blob("of another size");
      for (const policy of policies) {
        const findings = findingsOf(await checkTree(registry.tree, policy));
        expect(findings).toContain(`layer-link-missing ${sha512("layer")}`);
        expect(findings).not.toContain(`blob-unreferenced ${same.digest}`);
        expect(offered(findings)).toEqual([`blob-unreferenced ${other.digest}`]);
      }
    });

    test.each<[string, (app: RepositoryBuilder) => void]>([
      ["empty", (app) => app.registry.tree.write(link(app), "")],
      ["to another blob", (app) => app.registry.tree.write(link(app), app.push("another layer").digest)],
      ["to what is not stored", (app) => app.registry.tree.write(link(app), sha256("not stored"))],
    ])("%s: the blob stays as well", async (_, damage) => {
      const { registry, app } = start();
      aliased(app, "latest");
      damage(app);
      lose(app, sha256("layer"));
      expect(offered(findingsOf(await checkTree(registry.tree)))).toEqual([]);
    });

    test("of a dead image: nothing stays for it", async () => {
      const { registry, app } = start();
      aliased(app);
      lose(app, sha512("layer"), sha256("layer"));
      registry.repository("other").image({ tag: "1" });
      expect(offered(findingsOf(await checkTree(registry.tree)))).toEqual([]);
      const findings = offered(findingsOf(await checkTree(registry.tree, { deleteUntagged: true })));
      expect(findings).toContain(`blob-unreferenced ${sha256("layer")}`);
    });

    test.each(["config", "layer"])("of the %s of a manifest that is pinned, young or recoverable", async (part) => {
      for (const kind of ["pinned", "young", "recoverable"]) {
        const { registry, app } = start();
        const config = app.pushAlias("config", TYPES.config);
        const image = app.image({ layers: [app.pushAlias("layer")], config });
        app.deleteManifest(image);
        if (kind === "recoverable") app.tag("1", image.digest);
        const content = registry.tree.text(blobFile(image.digest)) ?? "";
        if (kind === "young") registry.tree.write(blobFile(image.digest), content, LONG_AGO + 99_000);
        lose(app, sha512(part), sha256(part));
        const pins = kind === "pinned" ? [Digest.parse(image.digest) ?? never()] : [];
        const findings = findingsOf(await checkTree(registry.tree, { pins, grace: 3600, now: LONG_AGO + 100_000 }));
        expect(findings).not.toContain(`blob-unreferenced ${sha256(part)}`);
      }
    });

    /** An index whose only child is named by its sha512, and nothing in the repository links what it is stored as. */
    function childless(app: RepositoryBuilder): Descriptor {
      const image = app.image({ layers: ["layer"], config: "config" });
      const inner = app.index([image]);
      const child = app.pushAlias(app.registry.tree.text(blobFile(inner.digest)) ?? "", TYPES.index);
      for (const one of [image, inner]) app.deleteManifest(one);
      app.index([child], "latest");
      app.remove("_layers");
      return image;
    }

    test("of a child: all that a manifest of its size names stays, and what that names", async () => {
      const { registry, app } = start();
      childless(app);
      const other = registry.blob("nobody's");
      for (const policy of policies)
        expect(offered(findingsOf(await checkTree(registry.tree, policy)))).toEqual([`blob-unreferenced ${other.digest}`]);
    });

    test("of a child that the repository has as a revision without a tag: it stays one", async () => {
      const { registry, app } = start();
      const image = app.image({ layers: ["layer"], config: "config" });
      const child = app.pushAlias(registry.tree.text(blobFile(image.digest)) ?? "", TYPES.image);
      app.index([child], "latest");
      app.image({ layers: ["another layer, and longer"], config: "another config" });
      app.remove("_layers");
      const findings = findingsOf(await checkTree(registry.tree, { deleteUntagged: true }));
      expect(findings).not.toContain(`manifest-unreferenced ${image.digest}`);
      expect(findings).toContain(`blob-unreferenced ${sha256("another layer, and longer")}`);
    });

    test("a signature in another repository stays with what may be meant", async () => {
      const { registry, app } = start();
      const subject = childless(app);
      registry.repository("signatures").image({ layers: ["signature"], config: "signature", subject });
      registry.repository("signatures").image({ tag: "1" });
      expect(offered(findingsOf(await checkTree(registry.tree, { deleteUntagged: true })))).toEqual([]);
    });
  });

  test("lost, of a child of a pinned index that only another repository has as a revision, without a tag", async () => {
    const { registry, app } = start();
    const { image } = aliased(app);
    for (const lost of [sha512("layer"), sha256("layer")]) app.remove(app.layerLink(lost));
    const index = registry.repository("indexes").index([image]);
    registry.repository("indexes").image({ layers: ["tagged"], tag: "1" });
    const pins = [Digest.parse(index.digest) ?? never()];
    for (const policy of [{ pins }, { pins, deleteUntagged: true, dropDanglingTags: true }])
      expect(findingsOf(await checkTree(registry.tree, policy))).not.toContain(`blob-unreferenced ${sha256("layer")}`);
  });

  describe.each<[string, (registry: RegistryBuilder, app: RepositoryBuilder, image: Descriptor) => void]>([
    ["pinned", () => {}],
    ["young", ({ tree }, _, { digest }) => tree.write(blobFile(digest), tree.text(blobFile(digest)) ?? "", LONG_AGO + 99_000)],
    ["recoverable", (_, app, { digest }) => app.tag("1", digest)],
  ])("of what a manifest reaches that is %s", (kind, prepare) => {
    test.each<[string, (app: RepositoryBuilder) => void]>([
      ["sound", () => {}],
      ["gone", (app) => app.registry.tree.remove(link(app))],
      ["empty", (app) => app.registry.tree.write(link(app), "")],
      ["swapped", swap],
    ])("%s: the blob stays", async (_, damage) => {
      const { registry, app } = start();
      const { image } = aliased(app);
      app.deleteManifest(image);
      prepare(registry, app, image);
      damage(app);
      const pins = kind === "pinned" ? [Digest.parse(image.digest) ?? never()] : [];
      const findings = findingsOf(await checkTree(registry.tree, { pins, grace: 3600, now: LONG_AGO + 100_000 }));
      expect(findings).not.toContain(`blob-unreferenced ${sha256("layer")}`);
    });
  });
});

describe("a tag that names its manifest by another algorithm", () => {
  /** Two images without another tag, one of which the tag names by its sha512; what is linked as a layer is found by 2.x only. */
  function tagged(asLayer: boolean) {
    const { registry, app } = start();
    const images = ["a layer", "another one"].map((layer) => app.image({ layers: [layer], config: `config of ${layer}` }));
    const [alias, other] = images.map((one) => app.pushAlias(registry.tree.text(blobFile(one.digest)) ?? "", one.mediaType));
    if (alias === undefined || other === undefined) return never();
    if (asLayer) for (const image of images) app.deleteManifest(image);
    app.tag("latest", alias.digest);
    app.remove(app.layerLink(other.digest));
    registry.repository("other").push("unused");
    registry.repository("other").image({ tag: "1" });
    return { registry, app, alias, otherId: images[1]?.digest ?? "" };
  }
  const policies = [{}, { deleteUntagged: true }, { deleteUntagged: true, dropDanglingTags: true }];
  const others = ["blob", "layer-link"].map((kind) => `${kind}-unreferenced ${sha256("unused")}`);

  test.each([false, true])("keeps that, and nothing else (linked as a layer: %s)", async (asLayer) => {
    const { registry } = tagged(asLayer);
    const findings = offered(findingsOf(await checkTree(registry.tree, { deleteUntagged: true })));
    expect(findings).not.toContain(`blob-unreferenced ${sha256("a layer")}`);
    expect(findings).toContain(`blob-unreferenced ${sha256("another one")}`);
  });

  const damages: Record<string, [string, (app: RepositoryBuilder, alias: Descriptor, otherId: string) => void]> = {
    "swapped for another": ["link-mismatch", (app, alias, other) => app.link(app.layerLink(alias.digest), other)],
    "swapped for no manifest": [
      "link-mismatch",
      (app, alias) => app.link(app.layerLink(alias.digest), app.push("no manifest").digest),
    ],
    gone: ["tag-dangling", (app, alias) => app.remove(app.layerLink(alias.digest))],
    empty: ["layer-link-invalid", (app, alias) => app.registry.tree.write(`${app.path}/${app.layerLink(alias.digest)}/link`, "")],
    "of what is not stored": ["tag-dangling", (app, alias) => app.link(app.layerLink(alias.digest), sha256("not stored"))],
  };
  test.each(
    Object.entries(damages).flatMap(([name, [code, damage]]) =>
      [false, true].map((asLayer) => ({ name, code, damage, asLayer })),
    ),
  )("whose link is $name holds its repository (linked as a layer: $asLayer)", async ({ code, damage, asLayer }) => {
    for (const policy of policies) {
      const { registry, app, alias, otherId } = tagged(asLayer);
      damage(app, alias, otherId);
      const report = await checkTree(registry.tree, policy);
      expect(findingsOf(report).map((line) => line.split(" ")[0])).toContain(code);
      expect(offered(findingsOf(report))).toEqual(others);
      expect(report.reclaimable.withBoth).toEqual({
        blobs: 1,
        bytes: 6,
        revisions: 0,
        layerLinks: 1,
      });
    }
  });
});

function never(): never {
  throw new Error("no digest");
}

describe("a tag whose current/link is damaged or gone", () => {
  const CURRENT = "_manifests/tags/latest/current/link";
  const damages = {
    empty: (app: RepositoryBuilder) => app.registry.tree.write(`${app.path}/${CURRENT}`, ""),
    gone: (app: RepositoryBuilder) => app.remove(CURRENT),
    "no digest": (app: RepositoryBuilder) => app.registry.tree.write(`${app.path}/${CURRENT}`, "sha256:12"),
    "cut short": (app: RepositoryBuilder) => app.registry.tree.write(`${app.path}/${CURRENT}`, sha256("").slice(0, -1)),
  };

  test.each(Object.entries(damages))("%s: holds its repository, history and all, with every policy", async (_, damage) => {
    const { registry, app } = start();
    app.image({ layers: ["layer"], tag: "latest" });
    app.tag("latest", app.image({ layers: ["another"] }).digest);
    app.push("unused");
    damage(app);
    for (const deleteUntagged of [false, true]) {
      const report = await checkTree(registry.tree, { deleteUntagged, dropDanglingTags: true });
      const codes = findingsOf(report).map((line) => line.split(" ")[0]);
      expect(codes).toEqual([expect.stringMatching(/^tag-(?:link-invalid|without-current)$/)]);
      expect(report.reclaimable.withBoth).toEqual({ blobs: 0, bytes: 0, revisions: 0, layerLinks: 0 });
    }
  });

  test.each(Object.entries(damages))("%s: keeps what its index names, though it has no link any more", async (_, damage) => {
    const { registry, app } = start();
    const image = app.image({ layers: ["layer"] });
    const index = app.index([image], "latest");
    for (const gone of [image, index]) app.deleteManifest(gone);
    app.remove("_layers");
    damage(app);
    expect(offered(findingsOf(await checkTree(registry.tree, { deleteUntagged: true, dropDanglingTags: true })))).toEqual([]);
  });

  test("an empty directory has lost nothing", async () => {
    const { registry, app } = start();
    app.push("unused");
    registry.tree.write(`${app.path}/_manifests/tags/latest/notes.txt`, "");
    expect(offered(findingsOf(await checkTree(registry.tree)))).toHaveLength(2);
  });
});

describe("a recoverable tag", () => {
  test("keeps what the children of its index name, though they were deleted, too", async () => {
    const { registry, app } = start();
    const image = app.image({ layers: ["layer"] });
    const nested = app.index([image]);
    const index = app.index([nested], "latest");
    for (const gone of [image, nested, index]) app.deleteManifest(gone);
    expect(offered(findingsOf(await checkTree(registry.tree)))).toEqual([]);
    expect(offered(findingsOf(await checkTree(registry.tree, { dropDanglingTags: true })))).not.toEqual([]);
  });

  test("that is never dropped keeps all that its index names, though one that may be dropped names a part of it", async () => {
    const { registry, app } = start();
    const image = app.image({ layers: ["layer"], tag: "latest" });
    app.index([image], "-latest");
    for (const { digest } of [image, app.index([image])]) app.deleteManifest({ ...image, digest });
    app.remove("_layers");
    registry.repository("other").image({ tag: "1" });
    const policy = { deleteUntagged: true, dropDanglingTags: true };
    expect(offered(findingsOf(await checkTree(registry.tree, policy)))).toEqual([]);
  });

  test("dangles where only another revision's link names its manifest", async () => {
    const { registry, app } = start();
    const one = app.image({ layers: ["one"] });
    const two = app.image({ layers: ["two"], tag: "latest" });
    app.deleteManifest(two);
    app.link(app.revisionLink(one.digest), two.digest);
    expect(findingsOf(await checkTree(registry.tree))).toContain(`tag-dangling ${two.digest}`);
  });

  test("dangles where only another layer's link names its manifest", async () => {
    const { registry, app } = start();
    const image = app.image({ layers: ["one"], tag: "latest" });
    app.deleteManifest(image);
    app.link(app.layerLink(sha256("one")), image.digest);
    const findings = findingsOf(await checkTree(registry.tree));
    expect(findings).toContain(`tag-dangling ${image.digest}`);
    expect(findings).toContain(`link-mismatch ${sha256("one")}`);
  });
});

describe("a worse finding is not hidden by a milder one", () => {
  test("a digest that is the absent child of one index, and a layer without a link of an image", async () => {
    const { registry, app } = start();
    const layer = registry.repository("other").push("layer", TYPES.image);
    const images = Array.from({ length: 4 }, (_, i) => app.image({ layers: [layer], config: `config ${i}`, tag: `image-${i}` }));
    const indexes = Array.from({ length: 4 }, (_, i) => app.index([layer], `index-${i}`, { annotations: { i } }));
    expect(images.length + indexes.length).toBe(8);
    const findings = findingsOf(await checkTree(registry.tree));
    expect(findings).toContain(`layer-link-missing ${layer.digest}`);
    expect(findings).toContain(`child-missing ${layer.digest}`);
  });
});

test("a foreign layer that only another repository has is legal", async () => {
  const { registry, app } = start();
  const layer = registry.repository("other").push("layer");
  const foreign = { ...layer, mediaType: TYPES.dockerForeignLayer, urls: ["https://example.com/layer"] };
  for (const repository of [app, registry.repository("other")]) repository.image({ layers: [foreign], docker: true, tag: "1" });
  expect(findingsOf(await checkTree(registry.tree))).toEqual([]);
});

describe("what is young or from the future keeps what it names", () => {
  const blobOf = ({ tree }: RegistryBuilder, digest: string, modified: number): void =>
    tree.write(blobFile(digest), tree.text(blobFile(digest)) ?? "", modified);

  test("a young manifest that is a layer of a live one, and no revision", async () => {
    const { registry, app } = start();
    const inner = app.image({ layers: ["inner"] });
    app.deleteManifest(inner);
    app.remove("_layers");
    app.image({ layers: [app.mount({ ...inner, mediaType: TYPES.layer })], config: "bundle", tag: "1" });
    blobOf(registry, inner.digest, LONG_AGO + 99_000);
    expect(offered(findingsOf(await checkTree(registry.tree, { grace: 3600, now: LONG_AGO + 100_000 })))).toEqual([]);
    expect(offered(findingsOf(await checkTree(registry.tree)))).not.toEqual([]);
  });

  const future = Math.floor(Date.now() / 1000) + 3600;

  test("a manifest from the future, without any grace time", async () => {
    const { registry, app } = start();
    const image = app.image({ layers: ["layer"] });
    app.deleteManifest(image);
    app.remove("_layers");
    blobOf(registry, image.digest, future);
    expect(offered(findingsOf(await checkTree(registry.tree)))).toEqual([]);
  });

  test("a link from the future, without any grace time", async () => {
    const { registry, app } = start();
    registry.repository("other").image({ tag: "1" });
    const layer = app.push("layer");
    registry.tree.write(`${app.path}/${app.layerLink(layer.digest)}/link`, layer.digest, future);
    const image = app.image({ layers: ["another"] });
    registry.tree.write(`${app.path}/${app.revisionLink(image.digest)}/link`, image.digest, future);
    expect(findingsOf(await checkTree(registry.tree, { deleteUntagged: true }))).toEqual([]);
  });
});
