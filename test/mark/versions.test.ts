import { expect, test } from "vitest";
import { RegistryBuilder } from "../support/builder.js";
import { checkTree } from "../support/check-tree.js";
import { detailOf } from "#regcheck/report/finding-words.js";

/** What one version serves is no damage, but who changes to the other wants to know. */
test("manifests that only one version of the registry can read are told of, in words", async () => {
  const registry = new RegistryBuilder();
  const app = registry.repository("team/app");
  const layer = app.push("a layer");
  const old = app.schema1(["a layer"], "1");
  const not3 = app.image({ layers: [{ ...layer, data: 7 }], tag: "2" });
  const not2 = app.index([{ ...app.image({ layers: [layer] }), platform: { features: 7 } }], "3");
  const index = app.index([], "4", { annotations: { a: 7 } });
  const report = await checkTree(registry.tree);
  const found = Array.from(
    report.findings(),
    (one) => `${one.code} ${String(one.digest)} ${one.tag}: ${detailOf(one)?.replace(/:.*/, "")}`,
  );
  expect(found.toSorted()).toEqual(
    [
      `manifest-version-bound ${old.digest} 1: it is of schema 1`,
      `manifest-version-bound ${not3.digest} 2: a value in it has a type that 3.x cannot read`,
      `manifest-version-bound ${not2.digest} 3: a value in it has a type that 2.8 cannot read`,
      `manifest-version-bound ${index.digest} 4: a value in it has a type that 3.x cannot read`,
    ].toSorted(),
  );
  expect(report.severities).toMatchObject({ error: 0, warning: 0, info: 4 });
});
