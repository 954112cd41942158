import { expect, test } from "vitest";
import { Digest } from "#regcheck/registry/digest.js";
import { DATABASE_MARKER } from "#regcheck/registry/layout.js";
import { RegistryBuilder } from "../support/builder.js";
import { checkTree, findingsOf } from "../support/check-tree.js";

const UNTAGGED = { deleteUntagged: true };

function registry() {
  const builder = new RegistryBuilder();
  const image = builder.repository("team/app").image({ layers: ["a layer"] });
  return { builder, image };
}

const garbage = (findings: readonly string[]): string[] => findings.filter((line) => /-unreferenced|-dangling/.test(line));

test("where a database decides what is live, nothing is garbage", async () => {
  const { builder } = registry();
  builder.repository("team/app").image({ tag: "1" });
  expect(garbage(findingsOf(await checkTree(builder.tree, UNTAGGED)))).not.toEqual([]);
  builder.tree.write(DATABASE_MARKER, "");
  const report = await checkTree(builder.tree, UNTAGGED);
  expect(garbage(findingsOf(report))).toEqual([]);
  expect(report.repositories.map(({ reclaimableBytes }) => reclaimableBytes)).toEqual([0]);
  expect(report.trusted.size).toBe(0);
  expect(report.reclaimable.withDeleteUntagged).toEqual({ blobs: 0, bytes: 0, revisions: 0, layerLinks: 0 });
});

test("a registry without a tag has its tags elsewhere, unless a pin that is found says what is live", async () => {
  const { builder, image } = registry();
  expect(garbage(findingsOf(await checkTree(builder.tree, UNTAGGED)))).toEqual([]);
  const pin = Digest.parse(image.digest);
  expect(pin).toBeDefined();
  builder.repository("team/app").image({ layers: ["another layer"] });
  const pinned = await checkTree(builder.tree, { ...UNTAGGED, pins: pin === undefined ? [] : [pin] });
  expect(garbage(findingsOf(pinned))).not.toEqual([]);
});

test("a tag without a link or a history is no tag: whoever keeps tags elsewhere may have left an empty directory", async () => {
  for (const [file, isTag] of [
    ["empty/notes.txt", false],
    ["-empty/notes.txt", false],
    [`lost/index/sha256/${"a".repeat(64)}/link`, true],
    ["broken/current/link", true],
  ] as const) {
    const { builder } = registry();
    builder.tree.write(`${builder.repository("team/app").path}/_manifests/tags/${file}`, "");
    builder.repository("team/other").image({ layers: ["another layer"] });
    const codes = findingsOf(await checkTree(builder.tree, UNTAGGED)).map((line) => line.split(" ")[0]);
    expect([file, codes.includes("tags-elsewhere")]).toEqual([file, !isTag]);
  }
});
