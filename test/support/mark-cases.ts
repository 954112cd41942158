import crypto from "node:crypto";
import { GRACE, NOW } from "./arbitrary-registry.js";
import { blobFile, RegistryBuilder, sha256, TYPES } from "./builder.js";
import type { Descriptor, RepositoryBuilder } from "./builder.js";
import { LONG_AGO } from "./registry-tree.js";
import type { RegistryTree } from "./registry-tree.js";

/** A registry of a few files, each about one clause of the mark that random registries hardly come to. */
export interface MarkCase {
  readonly name: string;
  readonly tree: RegistryTree;
  readonly pins?: readonly string[];
}

const YOUNG = NOW - GRACE / 60;
/** One byte more than a manifest may have. */
const TOO_LARGE = "x".repeat(4 * 1024 ** 2 + 1);

function registryOf(build: (registry: RegistryBuilder) => void): RegistryTree {
  const registry = new RegistryBuilder();
  // A registry without a single tag has them somewhere else.
  registry.repository("library/alpine").image({ layers: ["alpine"], config: "alpine", tag: "3.20" });
  build(registry);
  return registry.tree;
}

/** Does some of the work a moment ago. */
function justNow<T>(registry: RegistryBuilder, work: () => T): T {
  registry.now = YOUNG;
  try {
    return work();
  } finally {
    registry.now = LONG_AGO;
  }
}

/** A digest of another algorithm under which nothing is stored. */
const sha512Of = (digit: string): string => `sha512:${digit.repeat(128)}`;

function sha512(content: string): string {
  return `sha512:${crypto.createHash("sha512").update(content).digest("hex")}`;
}

/** The manifest of an image of its own, whose config and layer are pushed: all are of the same size. */
function imageOf(app: RepositoryBuilder, name: string): string {
  const [config, layer] = [app.push(`${name}'s config`, TYPES.config), app.push(`${name}'s layer`)];
  return JSON.stringify({ schemaVersion: 2, mediaType: TYPES.image, config, layers: [layer] });
}

/** A signature, untagged, in a repository of its own, about a blob of another. */
function signature(registry: RegistryBuilder, subject: Descriptor, tag?: string): Descriptor {
  return registry.repository("signatures").image({
    layers: [`signature of ${subject.digest}`],
    config: "signature",
    subject,
    ...(tag === undefined ? {} : { tag }),
  });
}

function imageIn(app: RepositoryBuilder, tag: string | undefined): Descriptor {
  return app.image({ layers: ["a layer"], config: "a config", ...(tag === undefined ? {} : { tag }) });
}

function pinnedIndex(app: RepositoryBuilder): Descriptor {
  const child = app.image({ layers: ["a layer"], config: "a config" });
  app.deleteManifest(child);
  return app.index([child]);
}

/** An untagged signature of an image that it names by another algorithm. Returns the image, and the links that tell which it is. */
function signedByAnother(registry: RegistryBuilder, where: string): { app: RepositoryBuilder; links: readonly Descriptor[] } {
  const app = registry.repository("app");
  const image = app.image({ layers: ["a signed layer"], config: "a config", tag: "latest" });
  const subject = app.pushAlias(registry.tree.text(blobFile(image.digest)) ?? "", image.mediaType);
  registry.repository(where).image({ layers: ["a signature"], config: "a signature's config", subject });
  return { app, links: [image, subject] };
}

function loseLinks({ app, links }: ReturnType<typeof signedByAnother>): void {
  for (const { digest } of links) app.remove(app.layerLink(digest));
}

/** Twice, for a policy that lets untagged manifests go and for one that does not. */
function twice(name: string, build: (registry: RegistryBuilder) => void): MarkCase[] {
  return [
    { name, tree: registryOf(build) },
    { name: `${name}, with another policy`, tree: registryOf(build) },
  ];
}

export const MARK_CASES: readonly MarkCase[] = [
  ...twice("an untagged image whose revision link was written again just now", (registry) => {
    const app = registry.repository("app");
    const image = app.image({ layers: ["a layer"], config: "a config" });
    registry.tree.write(`${app.path}/_manifests/revisions/${image.digest.replace(":", "/")}/link`, image.digest, YOUNG);
  }),
  {
    name: "the link of a tag was written over, and what the tag's index lists is linked by nothing else",
    tree: registryOf((registry) => {
      const app = registry.repository("app");
      const lost = imageIn(app, "1.0");
      app.tag("1.0", sha256("never pushed"));
      app.remove(`_manifests/tags/1.0/index/${sha256("never pushed").replace(":", "/")}/link`);
      app.deleteManifest(lost);
    }),
  },
  {
    name: "the same, where the entry is empty as well",
    tree: registryOf((registry) => {
      const app = registry.repository("app");
      const lost = imageIn(app, "1.0");
      registry.tree.write(`${app.path}/_manifests/tags/1.0/current/link`, sha256("never pushed"));
      registry.tree.write(`${app.path}/_manifests/tags/1.0/index/${lost.digest.replace(":", "/")}/link`, "");
      app.deleteManifest(lost);
    }),
  },
  {
    name: "the entry of what a tag names is empty",
    tree: registryOf((registry) => {
      const app = registry.repository("app");
      app.deleteManifest(imageIn(app, "1.0"));
      const last = app.image({ layers: ["the last"], config: "the last config", tag: "1.0" });
      registry.tree.write(`${app.path}/_manifests/tags/1.0/index/${last.digest.replace(":", "/")}/link`, "");
    }),
  },
  {
    name: "a large blob that was just pushed, and a signature of it elsewhere",
    tree: registryOf((registry) => {
      signature(
        registry,
        justNow(registry, () => registry.blob(TOO_LARGE)),
      );
    }),
  },
  {
    name: "a manifest that was just pushed and has no link yet",
    tree: registryOf((registry) => {
      const layer = registry.blob("a layer");
      const config = registry.blob("a config", TYPES.config);
      justNow(registry, () =>
        registry.blob(JSON.stringify({ schemaVersion: 2, mediaType: TYPES.image, config, layers: [layer] }), TYPES.image),
      );
    }),
  },
  {
    name: "a layer that was just pushed and mentions a blob",
    tree: registryOf((registry) => {
      const other = registry.blob("mentioned");
      justNow(registry, () => registry.blob(`see ${other.digest}`));
    }),
  },
  {
    name: "a tag whose manifest was deleted",
    tree: registryOf((registry) => {
      const app = registry.repository("app");
      app.deleteManifest(app.image({ layers: ["a layer"], config: "a config", tag: "v1" }));
    }),
  },
  {
    name: "a tag whose manifest was deleted, written a moment ago; and one of a manifest that is pinned",
    tree: registryOf((registry) => {
      for (const name of ["app", "pinned"]) {
        const app = registry.repository(name);
        const image = app.image({ layers: [`a layer of ${name}`], config: `a config of ${name}` });
        app.deleteManifest(image);
        if (name === "app") justNow(registry, () => app.tag("v1", image.digest));
        else app.tag("v1", image.digest);
      }
    }),
    pins: [
      new RegistryBuilder().repository("pinned").image({ layers: ["a layer of pinned"], config: "a config of pinned" }).digest,
    ],
  },
  {
    name: "an index and its child, both deleted, of which tags still name each: one outside the grammar the index",
    tree: registryOf((registry) => {
      const app = registry.repository("app");
      const child = app.image({ layers: ["a layer"], config: "a config", tag: "v1" });
      app.deleteManifest(app.index([child], "-v2"));
      app.deleteManifest(child);
    }),
  },
  {
    name: "an index with a child that was deleted, and that a tag still names",
    tree: registryOf((registry) => {
      const app = registry.repository("app");
      const child = app.image({ layers: ["a layer"], config: "a config", tag: "v1" });
      app.index([child], "v2");
      app.deleteManifest(child);
    }),
  },
  {
    name: "a signature elsewhere that was deleted, and that a tag still names",
    tree: registryOf((registry) => {
      const subject = registry.repository("app").image({ layers: ["a layer"], config: "a config", tag: "v1" });
      registry.repository("signatures").deleteManifest(signature(registry, subject, "signature"));
    }),
  },
  {
    name: "a signature elsewhere of a layer, deleted, and a tag still names it",
    tree: registryOf((registry) => {
      const app = registry.repository("app");
      const layer = app.push("a layer");
      app.image({ layers: [layer], config: "a config", tag: "v1" });
      registry.repository("signatures").deleteManifest(signature(registry, layer, "signature"));
    }),
  },
  {
    name: "a signature elsewhere, of an image that its own repository has as a layer alone, for an index without a tag",
    tree: registryOf((registry) => {
      const image = registry.repository("app").image({ layers: ["a layer"], config: "a config", tag: "v1" });
      const signatures = registry.repository("signatures");
      signatures.mount(image);
      signatures.index([image]);
      signature(registry, image);
    }),
  },
  {
    name: "a tag whose manifest was deleted, and that once named what has a layer link alone",
    tree: registryOf((registry) => {
      const app = registry.repository("app");
      app.deleteManifest(app.mount(app.image({ layers: ["a layer"], config: "a config", tag: "v1" })));
      app.deleteManifest(app.image({ layers: ["another layer"], config: "another config", tag: "v1" }));
    }),
  },
  {
    name: "a tag whose manifest has a layer link alone",
    tree: registryOf((registry) => {
      const app = registry.repository("app");
      app.deleteManifest(app.mount(app.image({ layers: ["a layer"], config: "a config", tag: "v1" })));
    }),
  },
  {
    name: "a tag whose manifest has a layer link, and is gone",
    tree: registryOf((registry) => {
      const app = registry.repository("app");
      const manifest = app.image({ layers: ["a layer"], config: "a config", tag: "v1" });
      app.mount(manifest);
      app.deleteManifest(manifest);
      registry.tree.remove(blobFile(manifest.digest));
    }),
  },
  {
    name: "two names of another algorithm for one manifest, of which a tag uses one",
    tree: registryOf((registry) => {
      const app = registry.repository("app");
      const content = JSON.stringify({
        schemaVersion: 2,
        mediaType: TYPES.image,
        config: app.push("a config", TYPES.config),
        layers: [app.push("a layer")],
      });
      app.tag("v1", app.pushAlias(content, TYPES.image).digest);
      app.link(app.layerLink(sha512Of("7")), sha256(content));
    }),
  },
  {
    name: "a layer that was just mounted, of an image that has not come yet; and one whose blob has not",
    tree: registryOf((registry) => {
      const layer = registry.blob("a layer");
      justNow(registry, () => {
        const app = registry.repository("app");
        app.mount(layer);
        app.mount({ ...layer, digest: `sha256:${"5".repeat(64)}` });
      });
      signature(registry, layer);
    }),
  },
  {
    name: "an image whose layer, named by another algorithm, no link tells",
    tree: registryOf((registry) => {
      const app = registry.repository("app");
      app.image({ layers: [{ mediaType: TYPES.layer, digest: sha512Of("6"), size: 7 }], config: "a config", tag: "v1" });
      app.push("perhaps it");
      const damaged = app.push("or this, whose link is empty");
      app.link(app.layerLink(damaged.digest), "");
      registry.repository("other").push("not this");
    }),
  },
  {
    name: "an image whose layer, named by another algorithm, is stored in another size",
    tree: registryOf((registry) => {
      const app = registry.repository("app");
      app.image({ layers: [{ ...app.pushAlias("a layer"), size: 99 }], config: "a config", tag: "v1" });
      app.push("perhaps it");
    }),
  },
  {
    name: "an image without a tag, pinned by its ID; and one whose config has a name of another algorithm",
    tree: registryOf((registry) => {
      const app = registry.repository("app");
      app.image({ layers: ["a layer"], config: "a config" });
      app.image({ layers: ["another layer"], config: app.pushAlias("another config", TYPES.config) });
      app.image({ layers: ["not pinned"], config: "no pin" });
    }),
    pins: ["a config", "another config"].map(sha256),
  },
  {
    name: "an image and a layer, pinned by names of another algorithm, of which one repository has no link",
    tree: registryOf((registry) => {
      for (const name of ["app", "copy"]) {
        const app = registry.repository(name);
        if (name === "app") for (const content of ["a config", "a layer alone"]) app.pushAlias(content);
        app.image({ layers: [`a layer of ${name}`], config: "a config" });
      }
    }),
    pins: ["a config", "a layer alone"].map(sha512),
  },
  {
    name: "a manifest with a layer link alone, pinned by a name of another algorithm",
    tree: registryOf((registry) => {
      const app = registry.repository("app");
      app.pushAlias(imageOf(app, "a"), TYPES.image);
    }),
    pins: [sha512(imageOf(new RegistryBuilder().repository("app"), "a"))],
  },
  {
    name: "an image whose layer, named by another algorithm, has a link to another blob of the same size",
    tree: registryOf((registry) => {
      const app = registry.repository("app");
      const layer = app.pushAlias("layer 1");
      app.image({ layers: [layer], config: "a config", tag: "v1" });
      app.link(app.layerLink(layer.digest), app.push("layer 2").digest);
      app.push("another size");
    }),
  },
  {
    name: "an index whose child, named by another algorithm, has a link to another manifest of the same size",
    tree: registryOf((registry) => {
      const app = registry.repository("app");
      const [child, other] = ["a", "b"].map((name) => app.pushAlias(imageOf(app, name), TYPES.image));
      if (child === undefined || other === undefined) throw new Error("no manifests");
      app.index([child], "v1");
      app.link(app.layerLink(child.digest), sha256(imageOf(app, "b")));
      app.remove(app.layerLink(other.digest));
    }),
  },
  {
    name: "an image whose layer is named by another algorithm, and without its size",
    tree: registryOf((registry) => {
      const app = registry.repository("app");
      const { mediaType, digest } = app.pushAlias("a layer");
      app.manifest(
        { schemaVersion: 2, mediaType: TYPES.image, config: app.push("a config", TYPES.config), layers: [{ mediaType, digest }] },
        "v1",
      );
      app.push("perhaps it");
    }),
  },
  {
    name: "a layer link that was damaged a moment ago, and a signature elsewhere of its blob",
    tree: registryOf((registry) => {
      const app = registry.repository("app");
      const layer = registry.blob("a layer");
      justNow(registry, () => app.link(app.layerLink(layer.digest), ""));
      signature(registry, layer);
    }),
  },
  {
    name: "an index that is pinned, whose repository has its revision, but not that of its child",
    tree: registryOf((registry) => pinnedIndex(registry.repository("app"))),
    pins: [pinnedIndex(new RegistryBuilder().repository("app")).digest],
  },
  {
    name: "a manifest that was just pushed, has a revision, and a layer by another algorithm that no link tells",
    tree: registryOf((registry) => {
      const layers = [{ mediaType: TYPES.layer, digest: sha512Of("8"), size: 7 }];
      justNow(registry, () => registry.repository("app").image({ layers, config: "a config" }));
      registry.repository("other").push("of another");
    }),
  },
  {
    name: "a signature without a tag, whose repository has an untagged copy of an image that is tagged elsewhere",
    tree: registryOf((registry) => {
      for (const name of ["app", "signatures"]) imageIn(registry.repository(name), name === "app" ? "v1" : undefined);
      signature(registry, imageIn(new RegistryBuilder().repository("app"), undefined));
    }),
  },
  {
    name: "a signature of an image elsewhere whose blob is gone",
    tree: registryOf((registry) => {
      const image = imageIn(registry.repository("app"), undefined);
      signature(registry, image);
      registry.tree.remove(blobFile(image.digest));
    }),
  },
  ...["app", "signatures"].flatMap((where) => [
    ...twice(`a signature in ${where} of a subject by another algorithm`, (registry) => {
      signedByAnother(registry, where);
    }),
    ...twice(`a signature in ${where} of a subject by another algorithm that nothing but its size tells`, (registry) => {
      loseLinks(signedByAnother(registry, where));
    }),
  ]),
  ...twice("a signature of what nothing tells, not even its size", (registry) => {
    const app = registry.repository("app");
    const [config, layer] = [app.push("a signature's config"), app.push("a signature")];
    const subject = { mediaType: TYPES.image, digest: sha512("a manifest") };
    app.manifest({ schemaVersion: 2, mediaType: TYPES.image, config, layers: [layer], subject });
  }),
  ...twice("a signature elsewhere of a subject by another algorithm that is dead, and an image of its size", (registry) => {
    signedByAnother(registry, "signatures").app.untag("latest");
    registry.repository("another").image({ layers: ["a s1gned layer"], config: "a config", tag: "latest" });
  }),
  ...twice("a signature that is tagged, of a subject by another algorithm that is dead", (registry) => {
    const app = registry.repository("app");
    const subject = app.pushAlias("a dead subject");
    app.image({ layers: ["a signature"], subject, tag: "signature" });
  }),
  ...["with", "without"].map((how): MarkCase => {
    const registry = new RegistryBuilder();
    const app = registry.repository("app");
    const layer = app.pushAlias("a lost layer");
    const image = app.image({ layers: [layer], config: "a config" });
    const index = registry.repository("indexes").index([image]);
    registry.repository("indexes").image({ layers: ["of another"], tag: "1" });
    app.remove("_layers");
    return {
      name: `a pinned index of an image elsewhere with a lost layer, ${how} another policy`,
      tree: registry.tree,
      pins: [index.digest],
    };
  }),
];
