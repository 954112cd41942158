import crypto from "node:crypto";
import { describe, expect, test } from "vitest";
import { check } from "#regcheck/check.js";
import { FilesystemStorage } from "#regcheck/storage/filesystem/filesystem.js";
import { Digest, wordsToHexes } from "#regcheck/registry/digest.js";
import { blobFile, RegistryBuilder, sha256, TYPES } from "../support/builder.js";
import type { Descriptor, RepositoryBuilder } from "../support/builder.js";
import { checkTree, findingsOf } from "../support/check-tree.js";
import { LONG_AGO } from "../support/registry-tree.js";
import { written } from "../support/temporary.js";

const sha512 = (content: string): string => `sha512:${crypto.createHash("sha512").update(content).digest("hex")}`;

/** Bytes of what a link of another algorithm leads to. */
function sizeOf(repository: RepositoryBuilder, digest: Digest | undefined): number {
  const { tree } = repository.registry;
  const target = tree.text(`${repository.path}/${repository.layerLink(String(digest))}/link`);
  return tree.text(blobFile(target ?? ""))?.length ?? 0;
}

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

  test("a blob, and the link by which a repository has it: without that, nobody gets it", async () => {
    const registry = new RegistryBuilder();
    registry.repository("sound").image({ config: "sound", tag: "1" });
    const blob = registry.repository("team/app").push("a blob");
    expect(await kept(registry, blob)).toEqual([`blob-unreferenced ${blob.digest}`, `layer-link-unreferenced ${blob.digest}`]);
  });

  test("the dangling tag that names it, so that it can be repaired, though these are dropped", async () => {
    const registry = new RegistryBuilder();
    registry.repository("sound").image({ config: "sound", tag: "1" });
    const app = registry.repository("team/app");
    const image = app.image({ layers: ["a layer"], config: '{"an":"image"}', tag: "v1" });
    app.deleteManifest(image);
    const policy = { dropDanglingTags: true, deleteUntagged: true };
    for (const pins of [[], [pin(image.digest)]]) {
      const report = await checkTree(registry.tree, { ...policy, pins });
      const tag = Array.from(report.findings()).find(({ code }) => code === "tag-dangling");
      expect(tag?.reclaimable).toBe(pins.length === 0);
      expect(findingsOf(report).filter((line) => line.startsWith("layer-link-unref"))).toHaveLength(pins.length === 0 ? 2 : 0);
    }
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

describe("a pin by the digest of another algorithm", () => {
  const POLICY = { deleteUntagged: true };
  /** A registry with an image that nothing keeps, and another one. */
  function build(work: (app: RepositoryBuilder) => Descriptor) {
    const registry = new RegistryBuilder();
    registry.repository("sound").image({ config: "sound", tag: "1" });
    const app = registry.repository("app");
    app.image({ layers: ["not pinned"], config: "no pin" });
    return { registry, app, pins: [pin(work(app).digest)] };
  }
  const codesOf = async (registry: RegistryBuilder, pins: readonly Digest[]): Promise<string[]> =>
    findingsOf(await checkTree(registry.tree, { ...POLICY, pins }));
  const imageBy = (app: RepositoryBuilder, config: Descriptor): Descriptor => app.image({ layers: ["a layer"], config });

  test("of a config keeps its image, whichever of the names the manifest says", async () => {
    for (const name of ["sha256", "sha512", "sha384"] as const) {
      const { registry, pins } = build((app) => {
        const config = app.pushAlias("a config", TYPES.config);
        const named = name === "sha512" ? config : app.pushAlias("a config", TYPES.config, "sha384");
        imageBy(app, name === "sha256" ? { ...config, digest: sha256("a config") } : named);
        return config;
      });
      const findings = await codesOf(registry, pins);
      expect(findings.filter((line) => line.startsWith("manifest-unreferenced"))).toHaveLength(1);
      expect(findings).toContain(`blob-unreferenced ${sha256("not pinned")}`);
      for (const kept of ["a layer", "a config"]) expect(findings).not.toContain(`blob-unreferenced ${sha256(kept)}`);
      const { pins: sums } = await checkTree(registry.tree, { ...POLICY, pins });
      expect(sums).toEqual({ given: 1, found: 1, missing: [], unlinked: [] });
    }
  });

  test("keeps the link that tells what it means: the next run has no other", async () => {
    const { registry, app, pins } = build((repository) => {
      const config = repository.pushAlias("a config", TYPES.config);
      repository.pushAlias("a config", TYPES.config, "sha384");
      imageBy(repository, { ...config, digest: sha256("a config") });
      return config;
    });
    const links = (await codesOf(registry, pins)).filter((line) => /^layer-link-unreferenced sha(?:384|512)/.test(line));
    expect(links).toEqual([`layer-link-unreferenced ${app.pushAlias("a config", TYPES.config, "sha384").digest}`]);
  });

  test("of a layer keeps that, and is told as what no image is kept by", async () => {
    const { registry, pins } = build((app) => app.pushAlias("a layer alone"));
    expect(await codesOf(registry, pins)).not.toContain(`blob-unreferenced ${sha256("a layer alone")}`);
    expect((await checkTree(registry.tree, { ...POLICY, pins })).pins).toEqual({
      given: 1,
      found: 1,
      missing: [],
      unlinked: pins,
    });
  });

  test("of a manifest that was pushed as a blob keeps all that it needs", async () => {
    const { registry, app, pins } = build((repository) => {
      const { digest } = imageBy(repository, repository.push("a config", TYPES.config));
      const content = repository.registry.tree.text(blobFile(digest)) ?? "";
      repository.deleteManifest({ mediaType: TYPES.image, digest, size: 0 });
      return repository.pushAlias(content, TYPES.image);
    });
    const findings = await codesOf(registry, pins);
    for (const kept of ["a layer", "a config"]) {
      expect(findings).not.toContain(`blob-unreferenced ${sha256(kept)}`);
      expect(findings).not.toContain(`layer-link-unreferenced ${sha256(kept)}`);
    }
    // Neither by the name of one that is of the same size, and that the link may have been swapped for.
    app.link(app.layerLink(String(pins[0])), app.push("no manifest, but of its size".padEnd(sizeOf(app, pins[0]))).digest);
    expect(await codesOf(registry, pins)).not.toContain(`blob-unreferenced ${sha256("a layer")}`);
  });

  test("whose link is damaged keeps all of that repository", async () => {
    for (const content of ["", "sha256:12", sha512("another")]) {
      const { registry, app, pins } = build((repository) => repository.pushAlias("a config", TYPES.config));
      const { digest } = registry.repository("other").image({ layers: ["of another"] });
      app.link(app.layerLink(String(pins[0])), content);
      expect((await codesOf(registry, pins)).filter((line) => line.includes("-unreferenced")).toSorted()).toEqual(
        [
          ...[sha256("of another"), sha256("{}"), digest].map((one) => `blob-unreferenced ${one}`),
          ...[sha256("of another"), sha256("{}")].map((one) => `layer-link-unreferenced ${one}`),
          `manifest-unreferenced ${digest}`,
        ].sort(),
      );
    }
  });

  test("of a manifest under all of its names reads it once", async () => {
    const registry = new RegistryBuilder();
    const app = registry.repository("app");
    const { digest } = app.image({ layers: ["a layer"], tag: "1" });
    const content = registry.tree.text(blobFile(digest)) ?? "";
    app.remove("_manifests");
    const aliases = (["sha512", "sha384"] as const).map((algorithm) => app.pushAlias(content, TYPES.image, algorithm));
    const storage = FilesystemStorage.open(written(registry.tree), { concurrency: 1 });
    const read: string[] = [];
    const readManifests = storage.readManifests.bind(storage);
    storage.readManifests = (algorithm, digests) => {
      for (const hex of wordsToHexes(algorithm, digests)) read.push(`${algorithm}:${hex}`);
      return readManifests(algorithm, digests);
    };
    try {
      await check(storage, {
        policy: {
          ...POLICY,
          dropDanglingTags: false,
          grace: 0,
          now: 0,
          pins: [digest, ...aliases.map((one) => one.digest)].map(pin),
        },
      });
    } finally {
      await storage.close();
    }
    expect(read.filter((one) => one === digest)).toEqual([digest]);
  });

  test("that nothing tells is not found", async () => {
    const { registry } = build((app) => app.pushAlias("a config", TYPES.config));
    const other = pin(sha512("of another registry"));
    expect((await checkTree(registry.tree, { ...POLICY, pins: [other] })).pins).toMatchObject({ found: 0, missing: [other] });
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

describe("what a pinned or young index keeps does not depend on who links it", () => {
  const POLICY = { deleteUntagged: true, now: LONG_AGO + 100_000, grace: 3600 };
  /** An index of an index, with the revisions of all that it contains deleted, in a repository that has its own revision or not. */
  async function offered(isLinked: boolean, damage: (registry: RegistryBuilder, index: Descriptor) => void, isPinned: boolean) {
    const registry = new RegistryBuilder();
    registry.repository("sound").image({ config: "sound", tag: "1" });
    const app = registry.repository("team/app");
    const child = app.image({ layers: ["for one platform"], config: "of one platform" });
    const inner = app.index([child]);
    const index = app.index([inner]);
    for (const one of isLinked ? [child, inner] : [child, inner, index]) app.deleteManifest(one);
    // What a sweep has taken of these by now.
    for (const content of ["for one platform", "of one platform"]) app.remove(app.layerLink(sha256(content)));
    damage(registry, index);
    const report = await checkTree(registry.tree, { ...POLICY, pins: isPinned ? [pin(index.digest)] : [] });
    return findingsOf(report).filter((line) => line.startsWith("blob-unreferenced"));
  }
  const young = ({ tree, now }: RegistryBuilder, { digest }: Descriptor): void =>
    tree.write(blobFile(digest), tree.files.get(blobFile(digest))?.content ?? "", now + 100_000);
  const corrupt = ({ tree }: RegistryBuilder, { digest }: Descriptor): void =>
    tree.write(blobFile(digest), `${tree.text(blobFile(digest)) ?? ""}.`);

  test.each([true, false])("pinned, linked: %s", async (isLinked) => {
    expect(await offered(isLinked, () => {}, true)).toEqual([]);
  });

  test.each([true, false])("young, linked: %s", async (isLinked) => {
    expect(await offered(isLinked, young, false)).toEqual([]);
  });

  test.each([true, false])("pinned and corrupt, linked: %s", async (isLinked) => {
    expect(await offered(isLinked, corrupt, true)).toEqual([]);
  });

  test("but without a pin all of it goes", async () => {
    expect(await offered(true, () => {}, false)).toHaveLength(5);
  });
});
