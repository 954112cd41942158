import { expect, test } from "vitest";
import { RegistryBuilder } from "../support/builder.js";
import { checkTree, findingsOf } from "../support/check-tree.js";

/**
 * The registry lets a manifest be a layer of another (`ocischemaManifestHandler.verifyManifest`), and the collector of 3.x follows every
 * reference that is a manifest of the repository: so nothing of it is garbage as long as the other is tagged.
 */
test("a manifest that is a layer of a live one is live, with all that it reaches", async () => {
  const registry = new RegistryBuilder();
  const repository = registry.repository("team/bundle");
  const inner = repository.image({ layers: ["a layer of the inner image"] });
  repository.image({ layers: [repository.mount(inner)], config: "bundle", tag: "1" });
  expect(findingsOf(await checkTree(registry.tree, { deleteUntagged: true }))).toEqual([]);
});
