import { describe, expect, test } from "vitest";
import { Digest } from "#regcheck/registry/digest.js";
import { blobFile, RegistryBuilder } from "../support/builder.js";
import { checkTree, findingsOf } from "../support/check-tree.js";

/** What cannot be read may refer to whatever its bytes mention, in its repository or out of it. */
describe("a manifest that cannot be read keeps every digest that it mentions", () => {
  async function garbage({ tree }: RegistryBuilder): Promise<string[]> {
    const findings = findingsOf(await checkTree(tree, { deleteUntagged: true, dropDanglingTags: true }));
    return findings.filter((finding) => finding.startsWith("blob-unreferenced"));
  }

  test.each([
    [
      "is of an unknown kind",
      (digest: string) => JSON.stringify({ schemaVersion: 2, mediaType: "text/x", things: [{ digest }] }),
    ],
    ["is no JSON", (digest: string) => `things: [${digest}]`],
    ["is cut short", (digest: string) => `{"schemaVersion":2,"config":{"digest":"${digest}"},"layers":[{"dig`],
    ["nests too deep", (digest: string) => `{"schemaVersion":2,"config":{"digest":"${digest}"},"x":${"[".repeat(200_000)}`],
  ])("one that %s", async (_, content) => {
    const registry = new RegistryBuilder();
    // No link of the repository names it.
    const blob = registry.blob("a layer that only this manifest names");
    const other = registry.blob("nobody's");
    registry.repository("team/app").manifest(content(blob.digest), "1");
    registry.repository("team/other").image({ layers: ["sound"], tag: "1" });
    expect(await garbage(registry)).toEqual([`blob-unreferenced ${other.digest}`]);
  });

  test("one whose content is not what it was pushed as, and a manifest that it mentions with all that this needs", async () => {
    const registry = new RegistryBuilder();
    const app = registry.repository("team/app");
    const child = app.image({ layers: ["a layer of the child"] });
    const index = app.index([child], "multi");
    const lone = registry.blob("a blob in the new content");
    registry.tree.write(blobFile(index.digest), JSON.stringify({ manifests: [child.digest, lone.digest] }));
    app.deleteManifest(child);
    expect(await garbage(registry)).toEqual([]);
  });

  test("one that is pinned and in no repository: what it mentions is taken for a manifest too", async () => {
    const registry = new RegistryBuilder();
    const layer = registry.blob("a layer");
    const image = registry.blob(JSON.stringify({ schemaVersion: 2, config: { digest: layer.digest }, layers: [] }));
    const pinned = registry.blob(`of no kind: ${image.digest}`);
    const pins = [Digest.parse(pinned.digest)].filter((digest) => digest !== undefined);
    const findings = findingsOf(await checkTree(registry.tree, { pins }));
    expect(findings.filter((finding) => finding.startsWith("blob-unreferenced"))).toEqual([]);
  });

  test("deep nesting is damage of that repository, and the scan is complete", async () => {
    const registry = new RegistryBuilder();
    registry.repository("team/app").manifest(`{"x":${"[".repeat(200_000)}${"]".repeat(200_000)}}`, "1");
    const report = await checkTree(registry.tree);
    expect([report.complete, ...findingsOf(report).map((finding) => finding.split(" ")[0])]).toEqual([true, "manifest-invalid"]);
  });
});
