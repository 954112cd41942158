import { describe, expect, test } from "vitest";
import { RegistryBuilder } from "../support/builder.js";
import { checkTree, findingsOf } from "../support/check-tree.js";
import { sweepDirectory, sweepOptions } from "../support/sweeping.js";
import { temporaryDirectory, written } from "../support/temporary.js";
import { RegistryTree } from "../support/registry-tree.js";

/** A tag that was moved twice; the image that it named first has another tag. */
function movedTwice() {
  const registry = new RegistryBuilder();
  const app = registry.repository("team/app");
  const [first, second] = ["first", "second", "third"].map((layer) =>
    app.image({ layers: [layer], config: layer, tag: "nightly" }),
  );
  if (first === undefined || second === undefined) throw new Error("three images were pushed");
  app.tag("1.0", first.digest);
  return { tree: registry.tree, second };
}

describe("a tag's history", () => {
  test("is not garbage as long as the manifests are kept", async () => {
    const findings = findingsOf(await checkTree(movedTwice().tree));
    expect(findings.filter((finding) => finding.startsWith("tag-index"))).toEqual([]);
  });

  test("goes with the manifests that go, so that one sweep leaves nothing to the next", async () => {
    const { tree, second } = movedTwice();
    const report = await checkTree(tree, { deleteUntagged: true });
    expect(findingsOf(report).filter((finding) => finding.startsWith("tag-index"))).toEqual([
      `tag-index-dangling ${second.digest}`,
    ]);
    const directory = written(tree);
    await sweepDirectory(directory, sweepOptions(temporaryDirectory()));
    expect(findingsOf(await checkTree(RegistryTree.readFrom(directory), { deleteUntagged: true }))).toEqual([]);
  });
});
