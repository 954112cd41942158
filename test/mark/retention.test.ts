import { expect, test } from "vitest";
import { parsePolicyFile } from "#regcheck/retention/policy-file.js";
import { sha256 } from "../support/builder.js";
import { checkTree } from "../support/check-tree.js";
import { AgedRegistry } from "../support/retained.js";

const POLICY = '- {name: all, action: {type: Delete}, condition: {tags: ["**"]}}';

/** How many tags a policy file that lets all go lets go. */
async function going({ builder }: AgedRegistry): Promise<number | undefined> {
  const retention = { retention: parsePolicyFile(POLICY, "p.yaml"), file: "p.yaml", detail: "sums" as const };
  const { repositories } = await checkTree(builder.tree, { retention });
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
