import { describe, expect, test } from "vitest";
import { check } from "#regcheck/check.js";
import { explain } from "#regcheck/explain.js";
import { parseReference } from "#regcheck/explain/reference.js";
import { formatExplanation } from "#regcheck/explain/text.js";
import type { Progress } from "#regcheck/mark/mark.js";
import { Digest } from "#regcheck/registry/digest.js";
import { blobFile, RegistryBuilder, sha256 } from "../support/builder.js";
import { chainsOf, explainOne, explainTree } from "../support/explain-tree.js";
import { bucketOf } from "../support/s3-bucket.js";

const NOW = Math.floor(Date.now() / 1000);

/** An index of two platforms with a signature, tagged; and the same base layer in another repository. */
function signedIndex() {
  const registry = new RegistryBuilder();
  const app = registry.repository("team/app");
  const base = app.push("a base layer");
  const amd64 = app.image({ layers: [base, "for amd64"], config: "amd64" });
  const arm64 = app.image({ layers: [base, "for arm64"], config: "arm64" });
  const index = app.index([amd64, arm64], "1.0");
  const signature = app.image({ layers: ["signed"], config: "signature", subject: amd64 });
  const other = registry.repository("other");
  const copy = other.image({ layers: [other.mount(base)], config: "other", tag: "latest" });
  return { registry, app, other, base, amd64, arm64, index, signature, copy };
}

describe("what is alive", () => {
  test("has the shortest chain from a tag first, though a revision link is nearer", async () => {
    const { registry, amd64, index } = signedIndex();
    const explanation = await explainOne(registry.tree, sha256("for amd64"));
    expect(explanation).toMatchObject({ verdict: "alive", kind: "layer", complete: true });
    expect(chainsOf(explanation)).toEqual([
      `tag team/app 1.0 > manifest ${index.digest} > child ${amd64.digest} > layer ${sha256("for amd64")}`,
      `revision-link team/app > manifest ${amd64.digest} > layer ${sha256("for amd64")}`,
      `revision-link team/app > manifest ${index.digest} > child ${amd64.digest} > layer ${sha256("for amd64")}`,
    ]);
    expect(explanation.rootCounts).toMatchObject({ tag: 1, "revision-link": 2 });
  });

  test("has one from each tag and repository; the repository that was asked about comes first", async () => {
    const { registry, base } = signedIndex();
    const [anywhere, there] = await explainTree(registry.tree, [base.digest, `team/app@${base.digest}`], {
      deleteUntagged: true,
    });
    expect(anywhere?.chains.map(({ root }) => `${root.repository}:${root.tag}`)).toEqual(["other:latest", "team/app:1.0"]);
    expect(there?.chains.map(({ root }) => `${root.repository}:${root.tag}`)).toEqual(["team/app:1.0", "other:latest"]);
    expect(there?.rootRepositories).toBe(2);
    expect(there?.mentions.map(({ repository }) => repository)).toEqual(["team/app", "other"]);
  });

  test("a signature is kept by its subject", async () => {
    const { registry, amd64, index, signature } = signedIndex();
    const explanation = await explainOne(registry.tree, sha256("signed"), { deleteUntagged: true });
    expect(chainsOf(explanation)).toEqual([
      `tag team/app 1.0 > manifest ${index.digest} > child ${amd64.digest} > referrer ${signature.digest} > layer ${sha256("signed")}`,
    ]);
  });

  test("a tag is the first of those that keep its manifest, and says what a pull fetches", async () => {
    const { registry, app, index } = signedIndex();
    app.tag("0-also", index.digest);
    const explanation = await explainOne(registry.tree, "team/app:1.0", { deleteUntagged: true });
    expect(explanation.chains.map(({ root }) => root.tag)).toEqual(["1.0", "0-also"]);
    expect(explanation).toMatchObject({ kind: "index", pull: { blobs: 8 }, damage: [] });
    expect(explanation.mentions[0]?.tags).toEqual(["0-also", "1.0"]);
  });

  test("says which switch of the policy would take it", async () => {
    const { registry, app, index } = signedIndex();
    app.untag("1.0");
    const explanation = await explainOne(registry.tree, index.digest);
    expect(explanation.verdict).toBe("alive");
    expect(explanation.garbage).toEqual({ asIs: false, withDeleteUntagged: true, withDropDanglingTags: false, withBoth: true });
  });

  test("a pin keeps a manifest and what it needs, linked or not", async () => {
    const { registry, app, amd64, arm64 } = signedIndex();
    app.untag("1.0");
    app.deleteManifest(arm64);
    const pins = [amd64, arm64].flatMap(({ digest }) => Digest.parse(digest) ?? []);
    const references = [sha256("for amd64"), sha256("for arm64"), arm64.digest];
    const explanations = await explainTree(registry.tree, references, { deleteUntagged: true, pins });
    expect(explanations.map(chainsOf)).toEqual([
      [`pin team/app > manifest ${amd64.digest} > layer ${sha256("for amd64")}`],
      [`pin > manifest ${arm64.digest} > layer ${sha256("for arm64")}`],
      [`pin > blob ${arm64.digest}`],
    ]);
  });

  test("a recoverable dangling tag keeps it until such tags are dropped", async () => {
    const { registry, other, copy } = signedIndex();
    other.deleteManifest(copy);
    const kept = await explainOne(registry.tree, "other:latest");
    expect(kept).toMatchObject({ verdict: "alive", rootCounts: { "dangling-tag": 1, tag: 0 } });
    expect(kept.damage.map(({ code }) => code)).toEqual(["tag-dangling"]);
    const dropped = await explainOne(registry.tree, "other:latest", { dropDanglingTags: true });
    expect(dropped).toMatchObject({ verdict: "garbage", chains: [], goes: { exclusive: { blobs: 2 }, kept: { blobs: 1 } } });
  });

  test("a layer that is pushed under its sha512 digest is found by it", async () => {
    const registry = new RegistryBuilder();
    const app = registry.repository("crypto");
    const layer = app.pushAlias("a layer");
    const image = app.image({ layers: [layer], tag: "1" });
    const explanation = await explainOne(registry.tree, layer.digest, { deleteUntagged: true });
    expect(explanation.digest?.toString()).toBe(sha256("a layer"));
    expect(chainsOf(explanation)).toEqual([`tag crypto 1 > manifest ${image.digest} > layer ${sha256("a layer")}`]);
    expect(explanation.mentions[0]?.links).toHaveLength(2);
  });

  test.each(["b:1", "b@"])("what another repository stores it as is nothing to %s", async (asked) => {
    const registry = new RegistryBuilder();
    const layer = registry.repository("a").pushAlias("a layer");
    const other = registry.repository("b");
    if (asked === "b:1") other.tag("1", layer.digest);
    else other.image({ layers: [layer], tag: "1" });
    const reference = asked === "b:1" ? asked : `${asked}${layer.digest}`;
    const explanation = await explainOne(registry.tree, reference);
    expect(explanation).toMatchObject({ verdict: "missing", blob: undefined });
    expect(explanation.digest?.toString()).toBe(layer.digest);
    expect((await explainOne(registry.tree, layer.digest)).digest?.toString()).toBe(sha256("a layer"));
  });
});

describe("what is kept for now", () => {
  test("damage in a repository holds what nothing live needs", async () => {
    const { registry, app, amd64 } = signedIndex();
    app.push("nobody's");
    registry.tree.remove(blobFile(amd64.digest));
    const explanation = await explainOne(registry.tree, sha256("nobody's"));
    expect(explanation.verdict).toBe("held");
    expect(chainsOf(explanation)).toEqual([`held team/app > layer-link ${sha256("nobody's")}`]);
    expect(explanation.chains[0]?.findings.map(({ code }) => code)).toEqual(["manifest-missing"]);
  });

  test("it is alive all the same if a tag keeps it elsewhere", async () => {
    const { registry, app, base, amd64 } = signedIndex();
    app.untag("1.0");
    registry.tree.remove(blobFile(amd64.digest));
    const explanation = await explainOne(registry.tree, `team/app@${base.digest}`, { deleteUntagged: true });
    expect(explanation.verdict).toBe("alive");
    expect(explanation.chains[0]?.root).toMatchObject({ kind: "tag", repository: "other" });
    expect(explanation.rootCounts.held).toBeGreaterThan(0);
  });

  test.each([
    ["a blob", "young-blob", (registry: RegistryBuilder) => registry.blob("new")],
    [
      "a layer link",
      "young-layer-link",
      (registry: RegistryBuilder) => {
        const app = registry.repository("app");
        registry.now = NOW - 7200;
        const blob = registry.blob("new");
        registry.now = NOW - 60;
        return app.mount(blob);
      },
    ],
    [
      "a revision link",
      "young-revision-link",
      (registry: RegistryBuilder) => {
        const app = registry.repository("app");
        registry.now = NOW - 7200;
        const image = app.image({ layers: ["new"] });
        registry.now = NOW - 60;
        app.link(app.revisionLink(image.digest), image.digest);
        return image;
      },
    ],
  ] as const)("%s younger than the grace time keeps it", async (_, kind, build) => {
    const registry = new RegistryBuilder();
    registry.repository("tagged").image({ tag: "1" });
    registry.now = NOW - 60;
    const { digest } = build(registry);
    // Without one tag in the whole registry, what is untagged may be in use.
    registry.repository("other").image({ layers: ["tagged"], config: "tagged too", tag: "1" });
    const young = await explainOne(registry.tree, digest, { deleteUntagged: true, grace: 3600 });
    expect(young).toMatchObject({ verdict: "young", rootCounts: { [kind]: 1 } });
    const old = await explainOne(registry.tree, digest, { deleteUntagged: true });
    expect(old.verdict).toBe("garbage");
  });
});

describe("what is garbage", () => {
  test("says what names it, since when, and what goes with it", async () => {
    const registry = new RegistryBuilder();
    const app = registry.repository("app");
    const shared = app.push("a layer that stays");
    app.image({ layers: [shared, "new"], config: "new", tag: "latest" });
    const old = app.image({ layers: [shared, "an old layer"], config: "old" });
    app.image({ layers: ["of another"], config: "old" });
    registry.now += 1000;
    app.tag("latest", old.digest);
    registry.now += 1000;
    app.tag("latest", app.image({ layers: [shared, "newest"], config: "newest" }).digest);
    const explanation = await explainOne(registry.tree, old.digest, { deleteUntagged: true });
    expect(explanation).toMatchObject({
      verdict: "garbage",
      kind: "manifest",
      chains: [],
      mentions: [{ repository: "app", history: ["latest"], links: [{ kind: "revision-link", garbage: true }], tagCount: 0 }],
      goes: { exclusive: { blobs: 2, bytes: old.size + 12 }, shared: { blobs: 1, bytes: 3 }, kept: { blobs: 1 } },
      since: { lastWritten: { modified: registry.now - 1000 }, tagMoved: { tag: "latest", modified: registry.now } },
    });
    expect(explanation.goes?.digests.map(String)).toEqual([old.digest, sha256("an old layer")]);
  });

  test("what goes with it does not include what a young push needs", async () => {
    const registry = new RegistryBuilder();
    registry.repository("tagged").image({ tag: "1" });
    registry.now = NOW - 7200;
    const app = registry.repository("app");
    const layer = app.push("a layer");
    const old = app.image({ layers: [layer], config: "old" });
    const fresh = app.image({ layers: [layer], config: "fresh" });
    app.image({ layers: ["tagged"], config: "tagged too", tag: "1" });
    registry.now = NOW - 60;
    app.link(app.revisionLink(fresh.digest), fresh.digest);
    const explanation = await explainOne(registry.tree, old.digest, { deleteUntagged: true, grace: 3600 });
    expect(explanation).toMatchObject({ verdict: "garbage", goes: { exclusive: { blobs: 2 }, kept: { blobs: 1 } } });
  });

  test("in a repository that is held, what is a manifest by its word alone goes with it", async () => {
    const registry = new RegistryBuilder();
    const held = registry.repository("held/UPPER");
    const app = registry.repository("app");
    app.image({ tag: "latest", layers: ["another"] });
    const inner = app.image({ config: "its config" });
    const outer = held.image({ layers: [held.mount(inner)] });
    const explanation = await explainOne(registry.tree, outer.digest, { deleteUntagged: true });
    expect(explanation).toMatchObject({
      verdict: "held",
      goes: { exclusive: { blobs: 1 }, shared: { blobs: 1 }, kept: { blobs: 2 } },
    });
  });

  test("what a pinned manifest mentions that nobody can read is kept by the pin", async () => {
    const registry = new RegistryBuilder();
    const image = registry.repository("app").image({ layers: ["a layer"], config: "a config" });
    registry.repository("app").deleteManifest(image);
    registry.repository("app").image({ tag: "latest", layers: ["another"] });
    registry.tree.write(blobFile(image.digest), (registry.tree.text(blobFile(image.digest)) ?? "").slice(0, -1));
    const pins = [Digest.parse(image.digest)].filter((pin) => pin !== undefined);
    const explanation = await explainOne(registry.tree, sha256("a layer"), { pins });
    expect(explanation.verdict).toBe("alive");
    expect(chainsOf(explanation)).toEqual([`pin > manifest ${image.digest} > mention ${sha256("a layer")}`]);
  });

  test("what is pinned and no manifest is called a blob, and keeps what it mentions", async () => {
    const registry = new RegistryBuilder();
    registry.repository("app").image({ tag: "latest", layers: ["another"] });
    const mentioned = registry.blob("mentioned");
    const text = registry.blob(`see ${mentioned.digest}`);
    const pins = [Digest.parse(text.digest)].filter((pin) => pin !== undefined);
    const [about, other] = await explainTree(registry.tree, [text.digest, mentioned.digest], { pins });
    expect(about).toMatchObject({ verdict: "alive", kind: "unknown", pull: undefined });
    expect(other && chainsOf(other)).toEqual([`pin > blob ${text.digest} > mention ${mentioned.digest}`]);
  });

  test("what a pull meets is not told of a manifest to which no link leads one", async () => {
    const registry = new RegistryBuilder();
    const app = registry.repository("app");
    app.image({ tag: "latest", layers: ["another"] });
    const pinned = app.image({ layers: ["a layer"], config: "a config" });
    const recoverable = app.image({ layers: ["a layer"], config: "another config", tag: "lost" });
    for (const one of [pinned, recoverable]) app.deleteManifest(one);
    const linked = app.image({ layers: ["a layer"], config: "linked" });
    const pins = [Digest.parse(pinned.digest)].filter((pin) => pin !== undefined);
    const about = await explainTree(registry.tree, [pinned.digest, recoverable.digest, linked.digest], { pins });
    expect(about.map(({ verdict, pull }) => [verdict, pull?.blobs])).toEqual([
      ["alive", undefined],
      ["alive", undefined],
      ["alive", 3],
    ]);
  });

  test("a subject is not kept by what is about it, and that is live all the same where it is tagged", async () => {
    const registry = new RegistryBuilder();
    const app = registry.repository("app");
    const image = app.image({ layers: ["a layer"], config: "a config" });
    const signature = app.image({ layers: ["a signature"], config: "signature", subject: image, tag: "signed" });
    const explanation = await explainOne(registry.tree, image.digest, { deleteUntagged: true });
    expect(explanation.verdict).toBe("garbage");
    expect(explanation.mentions[0]?.namedBy).toEqual([{ digest: Digest.parse(signature.digest), as: "subject", live: true }]);
    const text = formatExplanation(explanation, { colour: false, width: undefined }, true);
    expect(text).toContain(`subject of ${signature.digest}, which does not keep it`);
    expect(text).toContain("a live subject keeps its referrers, and no referrer its subject");
  });

  test("a subject in the same repository is not said to be elsewhere", async () => {
    const registry = new RegistryBuilder();
    const app = registry.repository("app");
    const image = app.image({ layers: ["a layer"], config: "a config", tag: "1" });
    const signature = app.image({ layers: ["a signature"], config: "signature", subject: image });
    app.deleteManifest(image);
    const [own] = await explainTree(registry.tree, [signature.digest], { deleteUntagged: true });
    expect(own && chainsOf(own)).toEqual([`dangling-tag app 1 > manifest ${image.digest} > referrer ${signature.digest}`]);
  });

  test("a manifest that was deleted by digest is read, and what it needed goes with it", async () => {
    const registry = new RegistryBuilder();
    const app = registry.repository("app");
    const image = app.image({ layers: ["a layer"], config: "a config" });
    const index = app.index([image]);
    app.deleteManifest(image);
    app.deleteManifest(index);
    const explanation = await explainOne(registry.tree, index.digest);
    expect(explanation).toMatchObject({ verdict: "garbage", kind: "index", mentions: [], goes: { exclusive: { blobs: 4 } } });
  });

  test("in one repository, alive by another: the link is garbage, the blob is not", async () => {
    const { registry, other, base } = signedIndex();
    other.untag("latest");
    const explanation = await explainOne(registry.tree, `other@${base.digest}`, { deleteUntagged: true });
    expect(explanation.verdict).toBe("alive");
    expect(explanation.mentions[0]).toMatchObject({
      repository: "other",
      links: [{ kind: "layer-link", garbage: true }],
      namedBy: [{ as: "layer", live: false }],
    });
  });
});

describe("what is missing", () => {
  test("says who needs it, with the damage in its place", async () => {
    const { registry, app, arm64 } = signedIndex();
    registry.tree.remove(blobFile(sha256("for arm64")));
    app.remove(app.layerLink(sha256("arm64")));
    const [layer, config, tag] = await explainTree(registry.tree, [sha256("for arm64"), sha256("arm64"), "team/app:1.0"], {
      deleteUntagged: true,
    });
    expect(layer).toMatchObject({ verdict: "missing", blob: undefined, goes: undefined, garbage: undefined });
    expect(layer?.chains[0]?.steps.map(({ as, findings }) => `${as} ${findings.map(({ code }) => code).join()}`)).toEqual([
      "manifest ",
      "child ",
      "layer blob-missing",
    ]);
    expect(layer?.mentions[0]?.namedBy.map(({ digest }) => digest.toString())).toEqual([arm64.digest]);
    expect(config?.chains[0]?.steps.at(-1)?.findings.map(({ code }) => code)).toEqual(["layer-link-missing"]);
    expect(tag?.damage.map(({ code }) => code).sort()).toEqual(["blob-missing", "layer-link-missing"]);
  });

  test("a tag whose manifest is gone needs it; a history entry does not", async () => {
    const { registry, other, copy } = signedIndex();
    other.deleteManifest(copy);
    registry.tree.remove(blobFile(copy.digest));
    expect(await explainOne(registry.tree, "other:latest")).toMatchObject({
      verdict: "missing",
      kind: "manifest",
      rootCounts: { "dangling-tag": 1 },
    });
    other.tag("latest", other.image({ layers: ["new"] }).digest);
    expect(await explainOne(registry.tree, copy.digest)).toMatchObject({
      verdict: "missing",
      chains: [],
      mentions: [{ history: ["latest"] }],
    });
  });

  test("a tag whose link is damaged names nothing", async () => {
    const { registry, other } = signedIndex();
    other.link("_manifests/tags/latest/current", "");
    const explanation = await explainOne(registry.tree, "other:latest");
    expect(explanation).toMatchObject({ verdict: "unresolved", digest: undefined });
    expect(explanation.damage.map(({ code }) => code)).toEqual(["tag-link-invalid"]);
  });
});

describe("a reference", () => {
  test.each([
    ["team/app", "expected repository:tag"],
    ["abc12", "6 hex"],
    ["sha256:ABCDEF0123", "lower-case hex"],
    ["md5:abcdef0123@x", "expected a digest"],
    [`sha256:${"0".repeat(65)}`, "expected a digest"],
    ["sha256:012345", "neither stored nor referred to by anything"],
    ["team/app:2.0", "no such tag"],
    ["nobody/app:1.0", "nobody/app: no such repository"],
    ["localhost:5000/team/app:1.0", "leave out the registry's host"],
    [`nobody@${sha256("for arm64")}`, "nobody: no such repository"],
    [`other@${sha256("for arm64")}`, `does not refer to it; regcheck explain ${sha256("for arm64")}`],
  ])("%s is refused in one line", async (reference, problem) => {
    const { registry } = signedIndex();
    const refused = await explainOne(registry.tree, reference).catch((error: unknown) => error);
    expect(refused).toMatchObject({ exitCode: 2 });
    expect(String(refused)).toContain(problem);
    expect(String(refused)).not.toContain("\n");
  });

  test("is unique by its beginning, with its algorithm or without; or names its candidates", async () => {
    const registry = new RegistryBuilder();
    const byPrefix = new Map<string, string[]>();
    for (let i = 0; i < 20_000; i++) {
      const prefix = sha256(`content ${i}`).slice(7, 13);
      byPrefix.set(prefix, [...(byPrefix.get(prefix) ?? []), `content ${i}`]);
    }
    const [prefix, twins] = [...byPrefix].find(([, some]) => some.length > 1) ?? ["", []];
    expect(twins).toHaveLength(2);
    const digests = twins.map((content) => registry.blob(content).digest).sort();
    const refused = await explainOne(registry.tree, prefix).catch((error: unknown) => String(error));
    expect(refused).toBe(`UsageError: ${prefix}: ambiguous, give more of the digest: it begins ${digests.join(", ")}`);
    let length = 7;
    while (digests[0]?.slice(0, length) === digests[1]?.slice(0, length)) length++;
    for (const reference of digests.map((digest) => digest.slice(0, length)))
      expect(String((await explainOne(registry.tree, reference)).digest).slice(0, length)).toBe(reference);
  });
});

test("an explanation of a bucket is that of a directory", async () => {
  const { registry, index } = signedIndex();
  const { storage } = await bucketOf(registry.tree);
  const policy = { deleteUntagged: true, dropDanglingTags: false, grace: 0, now: NOW, pins: [] };
  try {
    const [onDisk, inBucket] = await Promise.all([
      explainOne(registry.tree, "team/app:1.0", policy),
      explain(storage, parseReference("team/app:1.0"), { policy, all: true }),
    ]);
    expect(inBucket).toEqual({ ...onDisk, storage: inBucket.storage });
    expect(String(inBucket.digest)).toBe(index.digest);
  } finally {
    await storage.close();
  }
});

test("a repository that changes after it was marked is explained as it was marked, and not listed again", async () => {
  const { registry, base } = signedIndex();
  const { server, storage } = await bucketOf(registry.tree);
  const policy = { deleteUntagged: false, dropDanglingTags: false, grace: 0, now: NOW, pins: [] };
  // Both are listed by then; the marks have been set.
  const onProgress = (progress: Progress): void => {
    const tag = "docker/registry/v2/repositories/other/_manifests/tags/late/current/link";
    if (progress.phase === "repositories" && progress.repositories === 2) server.put("b", tag, base.digest, { etag: "md5" });
  };
  try {
    const explanation = await explain(storage, parseReference(base.digest), { policy, all: false, onProgress });
    expect(explanation.chains).toHaveLength(1);
    expect(explanation.notices).toEqual([]);
  } finally {
    await storage.close();
  }
});

test("of a tag in a bucket lists what a check lists, and the tag's repository", async () => {
  const { registry } = signedIndex();
  const { server, storage } = await bucketOf(registry.tree);
  const policy = { deleteUntagged: false, dropDanglingTags: false, grace: 0, now: NOW, pins: [] };
  try {
    await check(storage, { policy });
    const ofCheck = server.requests["ListObjectsV2"] ?? 0;
    server.forget();
    await explain(storage, parseReference("team/app:1.0"), { policy, all: false });
    // The check also lists the quarantine, which is no matter of an explanation.
    expect(server.requests["ListObjectsV2"]).toBe(ofCheck);
  } finally {
    await storage.close();
  }
});
