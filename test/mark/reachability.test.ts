import { expect, test, vi } from "vitest";
import { BlobTable } from "#regcheck/mark/blob-table.js";
import { ManifestStore } from "#regcheck/mark/manifest-store.js";
import { RegistryBuilder } from "../support/builder.js";
import { checkTree } from "../support/check-tree.js";

/** How often a check goes through all references of a manifest, where indexes four deep name the one below `times` times each. */
async function readings(times: number): Promise<number> {
  const registry = new RegistryBuilder();
  const app = registry.repository("app");
  let below = app.image({ layers: ["layer"] });
  for (let level = 0; level < 4; level++) below = app.index(Array.from({ length: times }, () => below));
  app.image({ config: "another", tag: "1" });
  const spy = vi.spyOn(ManifestStore.prototype, "forEachReference");
  try {
    const report = await checkTree(registry.tree);
    expect(new Set(Array.from(report.findings(["manifest-unreferenced"]), ({ height }) => height))).toEqual(
      new Set([0, 1, 2, 3, 4]),
    );
    return spy.mock.calls.length;
  } finally {
    spy.mockRestore();
  }
}

test("an index that names the same child many times is no more work than one that names it once", async () => {
  // In which order they are come upon is by their digests.
  expect(await readings(300)).toBeLessThan(2 * (await readings(1)));
});

test("a manifest that names one blob by sha512 many times marks what that may mean once", async () => {
  const marks = async (times: number): Promise<number> => {
    const registry = new RegistryBuilder();
    const app = registry.repository("app");
    const alias = app.pushAlias("layer 100");
    for (let i = 101; i < 200; i++) app.push(`layer ${i}`);
    app.image({ layers: Array.from({ length: times }, () => alias), tag: "1" });
    const spy = vi.spyOn(BlobTable.prototype, "mark");
    try {
      await checkTree(registry.tree);
      return spy.mock.calls.length;
    } finally {
      spy.mockRestore();
    }
  };
  // Each reference is marked by itself.
  expect((await marks(100)) - (await marks(1))).toBeLessThan(200);
});
