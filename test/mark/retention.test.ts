import { describe, expect, test } from "vitest";
import { Digest } from "#regcheck/registry/digest.js";
import { parsePolicyFile } from "#regcheck/retention/policy-file.js";
import { blobFile, sha256 } from "../support/builder.js";
import { checkTree } from "../support/check-tree.js";
import { AgedRegistry } from "../support/retained.js";

const POLICY = '- {name: all, action: {type: Delete}, condition: {tags: ["**"]}}';

/** How many tags of team/app a policy file lets go, which lets all go if no other is given. */
async function going(
  { builder }: AgedRegistry,
  policy = POLICY,
  pins: readonly string[] = [],
  grace = 0,
): Promise<number | undefined> {
  const retention = { retention: parsePolicyFile(policy, "p.yaml"), file: "p.yaml", detail: "sums" as const };
  const pinned = pins.flatMap((pin) => Digest.parse(pin) ?? []);
  const { repositories } = await checkTree(builder.tree, { retention, pins: pinned, grace });
  return repositories.find(({ name }) => name === "team/app")?.withPolicy?.tags;
}

test("no tag goes by a policy file in a repository that damage holds back", async () => {
  const aged = new AgedRegistry();
  const app = aged.images("team/app", { a: 90, b: 60 });
  expect(await going(aged)).toBe(2);
  aged.builder.tree.write(`${app.path}/${app.revisionLink(sha256("a manifest"))}/link`, "");
  expect(await going(aged)).toBe(0);
});

test("an index that only another's link names, by its content, is no path that cannot be read", async () => {
  const aged = new AgedRegistry();
  const app = aged.images("team/app", { a: 90 });
  const { one, index } = aged.pushed(90, () => ({ one: app.image({ layers: ["one"] }), index: app.index([], "list") }));
  const other = aged.pushed(90, () => app.index([one]));
  app.deleteManifest(other);
  aged.builder.tree.write(`${app.path}/${app.revisionLink(index.digest)}/link`, other.digest);
  // The tag of a signature: for its sake it is asked which indexes are young.
  app.tag(`${one.digest.replace(":", "-")}.sig`, one.digest);
  const retention = { retention: parsePolicyFile(POLICY, "p.yaml"), file: "p.yaml", detail: "sums" as const };
  const report = await checkTree(aged.builder.tree, { retention });
  expect(report.complete).toBe(true);
  expect(report.counts["link-mismatch"]).toBe(1);
});

test("a tag goes that names its manifest by a digest of another algorithm, as registry 2.x finds it by a layer link", async () => {
  const aged = new AgedRegistry();
  const app = aged.images("team/app", { a: 90, b: 60 });
  const digest = app.registry.tree.text(`${app.path}/_manifests/tags/a/current/link`) ?? "";
  const alias = aged.pushed(90, () => app.pushAlias(app.registry.tree.text(blobFile(digest)) ?? ""));
  aged.pushed(90, () => app.tag("by-sha512", alias.digest));
  expect(await going(aged)).toBe(3);
  // By that digest, what both tags name may be in use.
  expect(await going(aged, POLICY, [alias.digest])).toBe(1);
});

test("the signature stays of an image whose revision link was just written: a push by its digest that goes on", async () => {
  const aged = new AgedRegistry();
  const app = aged.images("team/app", { a: 90 });
  const digest = aged.builder.tree.text(`${app.path}/_manifests/tags/a/current/link`) ?? "";
  const sign = () => app.image({ layers: ["signature"], config: "signature", tag: `${digest.replace(":", "-")}.sig` });
  aged.pushed(90, sign);
  expect(await going(aged, POLICY, [], 3600)).toBe(2);
  aged.pushed(0, () => app.link(app.revisionLink(digest), digest));
  expect(await going(aged, POLICY, [], 3600)).toBe(1);
});

test("the signature stays of an image that lives in another repository, with the signature's own", async () => {
  const aged = new AgedRegistry();
  const app = aged.images("team/app", { a: 90 });
  const digest = aged.builder.tree.text(`${app.path}/_manifests/tags/a/current/link`) ?? "";
  const tagOf = (of: string): string => `${of.replace(":", "-")}.sig`;
  const signature = aged.pushed(90, () => app.image({ layers: ["signature"], config: "signature", tag: tagOf(digest) }));
  aged.pushed(90, () => app.image({ layers: ["about it"], config: "about it", tag: tagOf(signature.digest) }));
  expect(await going(aged)).toBe(3);
  const copy = aged.pushed(90, (registry) =>
    registry.repository("zebra/app").manifest(registry.tree.text(blobFile(digest)) ?? "", "a"),
  );
  expect(copy.digest).toBe(digest);
  const policy = '- {name: all, action: {type: Delete}, condition: {repositories: ["team/*"], tags: ["**"]}}';
  const retention = { retention: parsePolicyFile(policy, "p.yaml"), file: "p.yaml", detail: "decisions" as const };
  const { repositories, reclaimable } = await checkTree(aged.builder.tree, { retention, deleteUntagged: true });
  expect(repositories.find(({ name }) => name === "team/app")?.withPolicy?.tags).toBe(1);
  expect(reclaimable.withPolicy.blobs).toBe(0);
});

test("the signature stays of an SBOM that stays for the sake of its image, whatever becomes of the SBOM's own tag", async () => {
  const aged = new AgedRegistry();
  const app = aged.images("team/app", { v1: 90 });
  const digest = aged.builder.tree.text(`${app.path}/_manifests/tags/v1/current/link`) ?? "";
  const image = aged.builder.tree.text(blobFile(digest)) ?? "";
  const subject = { mediaType: "application/vnd.oci.image.manifest.v1+json", digest, size: image.length };
  const sbom = aged.pushed(90, () => app.image({ layers: ["sbom"], config: "sbom", tag: "sbom-1", subject }));
  const tag = `${sbom.digest.replace(":", "-")}.sig`;
  aged.pushed(90, () => app.image({ layers: ["signature"], config: "signature", tag }));
  const sboms = '- {name: sboms, action: {type: Delete}, condition: {tags: ["sbom-*"]}}';
  expect(await going(aged, sboms)).toBe(1);
  expect(await going(aged, `${sboms}\n- {name: v, action: {type: Delete}, condition: {tags: ["v*"]}}`)).toBe(3);
});

test.each([".imgpkg", ".image-locations.imgpkg", ".cosign", "-esgz"])(
  "a tag of a digest that is no signature's (sha256-<hex>%s) stays, and takes no image's place",
  async (suffix) => {
    const aged = new AgedRegistry();
    const app = aged.images("team/app", { v1: 90, v2: 80, v3: 70 });
    for (const [i, days] of [60, 50, 40].entries())
      aged.pushed(days, () => app.image({ layers: [`${i}`], config: `${i}`, tag: `sha256-${`${i}`.repeat(64)}${suffix}` }));
    const newest = "- {name: newest, action: {type: Keep}, mostRecentVersions: {keepCount: 2}}";
    expect(await going(aged, POLICY)).toBe(3);
    expect(await going(aged, `${POLICY}\n${newest}`)).toBe(1);
  },
);

describe("a tag that is older than any push", () => {
  const aged = new AgedRegistry();
  aged.builder.now = 0;
  aged.builder.repository("team/app").image({ layers: ["epoch"], config: "epoch", tag: "epoch" });
  aged.images("team/app", { a: 60 });

  test("is not judged where a policy goes by time", async () => {
    expect(await going(aged, "- {name: old, action: {type: Delete}, condition: {olderThan: 30d}}")).toBe(1);
    const newest = "- {name: newest, action: {type: Keep}, mostRecentVersions: {keepCount: 1}}";
    expect(await going(aged, `${POLICY}\n${newest}`)).toBe(0);
  });

  test("goes as any other where none does, or none that is about its repository", async () => {
    const newest = "- {name: newest, action: {type: Keep}, mostRecentVersions: {repositories: [other], keepCount: 1}}";
    expect(await going(aged, POLICY)).toBe(2);
    expect(await going(aged, `${POLICY}\n${newest}`)).toBe(2);
  });
});
