import { describe, expect, test } from "vitest";
import { blobFile, RegistryBuilder, sha256 } from "../support/builder.js";
import type { Descriptor } from "../support/builder.js";
import { checkTree, findingsOf } from "../support/check-tree.js";

/** `COSIGN_REPOSITORY` puts signatures into a repository of their own, so that what they are about is in another one. */
describe("a signature in a repository of its own", () => {
  function signed(kind: string) {
    const registry = new RegistryBuilder();
    const app = registry.repository("zebra/app");
    const image = app.image({ layers: ["layer"], tag: "1" });
    const signatures = registry.repository("aardvark/signatures");
    const tag = `${image.digest.replace(":", "-")}${kind}`;
    const of = (subject: Descriptor) =>
      signatures.image({ layers: [`signature ${subject.digest}`], config: "signature", subject });
    return { registry, app, image, signatures, tag, of };
  }

  test.each([".sig", ".att", ".sbom", ""])(
    "by a tag with %s is not orphaned while any repository has its image",
    async (kind) => {
      const { registry, app, image, signatures, tag } = signed(kind);
      signatures.image({ layers: ["signature"], config: "signature", tag });
      expect(findingsOf(await checkTree(registry.tree, { deleteUntagged: true }))).toEqual([]);
      app.untag("1");
      app.deleteManifest(image);
      const codes = Array.from((await checkTree(registry.tree)).findings(), ({ code }) => code);
      expect(codes).toContain("referrer-orphaned");
    },
  );

  test("by its subject follows the life of its image, and so do signatures of signatures", async () => {
    const { registry, app, image, of } = signed("");
    const first = of(image);
    const others = registry.repository("middle/others");
    others.image({ layers: ["about a signature"], config: "signature", subject: first });
    expect(findingsOf(await checkTree(registry.tree, { deleteUntagged: true }))).toEqual([]);
    registry.repository("other").image({ tag: "1" });
    app.untag("1");
    const findings = findingsOf(await checkTree(registry.tree, { deleteUntagged: true }));
    for (const layer of ["layer", `signature ${image.digest}`, "about a signature"])
      expect(findings).toContain(`blob-unreferenced ${sha256(layer)}`);
    expect(findings.filter((line) => line.startsWith("referrer-orphaned"))).toEqual([]);
  });

  test("stays with an image elsewhere that its own repository links as a layer alone, for an index that goes", async () => {
    const { registry, app, image, signatures, of } = signed("");
    of(image);
    signatures.mount(image);
    signatures.index([image]);
    const signature = `blob-unreferenced ${sha256(`signature ${image.digest}`)}`;
    expect(findingsOf(await checkTree(registry.tree, { deleteUntagged: true }))).not.toContain(signature);
    registry.repository("other").image({ tag: "1" });
    app.untag("1");
    expect(findingsOf(await checkTree(registry.tree, { deleteUntagged: true }))).toContain(signature);
  });

  test("stays with an image that is tagged elsewhere, though its own repository has an untagged copy", async () => {
    const { registry, app, image, signatures, of } = signed("");
    const body = registry.tree.text(blobFile(image.digest)) ?? "";
    signatures.manifest(body);
    signatures.mount(signatures.push("layer"));
    const signature = of(image);
    const others = registry.repository("middle/others");
    others.manifest(registry.tree.text(blobFile(signature.digest)) ?? "");
    others.image({ layers: ["about a signature"], config: "about", subject: signature });
    const policy = { deleteUntagged: true };
    const report = await checkTree(registry.tree, policy);
    const unreferenced = findingsOf(report).filter((line) => line.startsWith("blob-unref") || line.startsWith("referrer-"));
    expect(unreferenced).toEqual([]);
    // Its copy goes, for nothing but its own link keeps that; what is about it has it elsewhere.
    expect(report.counts["manifest-unreferenced"]).toBe(1);
    app.untag("1");
    registry.repository("other").image({ tag: "1" });
    expect(findingsOf(await checkTree(registry.tree, policy))).toContain(`blob-unreferenced ${sha256("about a signature")}`);
  });

  test("stays with an image elsewhere whose blob is lost: it may come back", async () => {
    const { registry, image, of } = signed("");
    of(image);
    registry.tree.remove(blobFile(image.digest));
    const findings = findingsOf(await checkTree(registry.tree, { deleteUntagged: true }));
    expect(findings.filter((line) => /unreferenced|orphaned/.test(line))).toEqual([]);
  });

  test("is held with its image", async () => {
    const { registry, app, image, of } = signed("");
    of(image);
    app.untag("1");
    app.link("_manifests/tags/broken/current", "");
    expect(findingsOf(await checkTree(registry.tree, { deleteUntagged: true })).filter((line) => /-unref/.test(line))).toEqual(
      [],
    );
  });
});

test.each(["a-repository", "z-repository"])(
  "what damage holds of signatures is the same wherever their image is listed: %s",
  async (name) => {
    const builder = new RegistryBuilder();
    const image = builder.repository(name).image({ layers: ["an image"], tag: "1" });
    const signatures = builder.repository("m-signatures");
    signatures.image({ layers: ["a signature"], config: "signature", subject: image });
    signatures.manifest("no manifest", "damaged");
    const report = await checkTree(builder.tree, { deleteUntagged: true });
    expect(report.repositories.find((one) => one.name === "m-signatures")).toMatchObject({
      heldBytes: 0,
      findings: { "manifest-invalid": 1 },
    });
  },
);

describe("a referrer whose subject is named by another algorithm's digest", () => {
  /** An image, its signature in the same repository or another, and the subject's name. */
  function signed(where = "app") {
    const registry = new RegistryBuilder();
    const app = registry.repository("app");
    const image = app.image({ layers: ["layer"], config: "config", tag: "1" });
    const subject = app.pushAlias(registry.tree.text(blobFile(image.digest)) ?? "", image.mediaType);
    registry.repository(where).image({ layers: ["signature"], config: "signature", subject });
    registry.repository("other").image({ layers: ["of another"], config: "another", tag: "1" });
    const lose = (digest: string): void => app.remove(app.layerLink(digest));
    return { registry, app, image, subject, lose };
  }
  const untagged = async ({ tree }: RegistryBuilder) => findingsOf(await checkTree(tree, { deleteUntagged: true }));
  const signature = `blob-unreferenced ${sha256("signature")}`;
  const offeredOf = (findings: readonly string[]): string[] => findings.filter((line) => /^(?:blob|manifest)-unref/.test(line));

  test("stays with it, and so does the link that tells which it is", async () => {
    const { registry } = signed();
    expect(await untagged(registry)).toEqual([]);
  });

  test("goes with it", async () => {
    const { registry, app } = signed();
    app.untag("1");
    const findings = await untagged(registry);
    expect(findings).toContain(signature);
    expect(findings.filter((line) => line.startsWith("referrer-orphaned"))).toEqual([]);
  });

  test.each(["app", "signatures"])(
    "in %s stays where only another repository's link tells which it is, or none does any more",
    async (where) => {
      const { registry, subject, image, lose } = signed(where);
      expect(offeredOf(await untagged(registry))).toEqual([]);
      lose(subject.digest);
      lose(image.digest);
      expect(offeredOf(await untagged(registry))).toEqual([]);
      expect((await untagged(registry)).filter((line) => line.startsWith("referrer-orphaned"))).toEqual([]);
    },
  );

  test("elsewhere goes with it, though something else has its size", async () => {
    const { registry, app } = signed("signatures");
    app.untag("1");
    app.image({ layers: ["l4yer"], config: "config", tag: "2" });
    expect(await untagged(registry)).toContain(signature);
  });

  test.each(["app", "signatures"])(
    "in %s goes where no link tells which it is, and nothing of its size is live",
    async (where) => {
      const { registry, app, subject, image, lose } = signed(where);
      lose(subject.digest);
      lose(image.digest);
      app.deleteManifest(image);
      registry.tree.remove(blobFile(image.digest));
      app.untag("1");
      const findings = await untagged(registry);
      expect(findings).toContain(signature);
      expect(findings.some((line) => line.startsWith("referrer-orphaned"))).toBe(true);
    },
  );

  test("stays where neither a link nor a size tells which it is", async () => {
    const { registry, app, subject, lose } = signed();
    const { mediaType, digest } = subject;
    const [config, layer] = [app.push("a config"), app.push("another signature")];
    const about = { mediaType, digest };
    app.manifest({ schemaVersion: 2, mediaType, config, layers: [layer], subject: about });
    lose(digest);
    app.untag("1");
    expect(await untagged(registry)).not.toContain(`blob-unreferenced ${layer.digest}`);
  });

  test("stays with what a swapped link of the same size may have meant", async () => {
    const { registry, app, subject } = signed();
    const same = app.image({ layers: ["l4yer"], config: "config" });
    app.mount(same);
    app.link(app.layerLink(subject.digest), same.digest);
    expect(await untagged(registry)).not.toContain(signature);
  });

  test("stays where a swapped link leads to another size, which is reported", async () => {
    const { registry, app, subject } = signed();
    app.link(app.layerLink(subject.digest), app.image({ layers: ["a longer layer"], config: "config" }).digest);
    app.untag("1");
    const findings = await untagged(registry);
    expect(findings).toContain(`link-mismatch ${subject.digest}`);
    expect(findings).not.toContain(signature);
  });
});
