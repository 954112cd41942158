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
