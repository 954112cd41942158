import { expect, test } from "vitest";
import { formatExplanation } from "#regcheck/explain/text.js";
import { buildFixture } from "../support/fixture.js";
import { blobFile, RegistryBuilder, sha256 } from "../support/builder.js";
import { explainOne, explainTree } from "../support/explain-tree.js";

const REFERENCES = ["library/nginx:1.27", "team/web:9", "team/api:v1.2", "team/batch:2024.06", "2373806933a4", "5e5e5e5e"];
// oxlint-disable-next-line no-control-regex -- sequences that a terminal acts on are what it is about
const SEQUENCES = /\u001b\[[0-9;]*m/g;

test("no line is longer than the terminal is wide, where digests are cut to what is enough to ask again", async () => {
  const explanations = await explainTree(buildFixture(), REFERENCES);
  const texts = explanations.map((explanation) => formatExplanation(explanation, { colour: true, width: 60 }, true));
  for (const text of texts) {
    expect(text).toContain("\u001b[");
    const long = text
      .split("\n")
      .map((line) => line.replace(SEQUENCES, ""))
      .filter((line) => line.length > 60);
    // But for a word that is to be copied.
    expect(long.filter((line) => /\S \S/.test(line))).toEqual([]);
  }
  expect(texts[1]?.replace(SEQUENCES, "")).toMatch(/└─ manifest sha256:[0-9a-f]{12}… {2}912 B\n/);
});

test("in a pipe there is no colour, and digests are whole", async () => {
  const [explanation] = await explainTree(buildFixture(), ["team/web:9"]);
  if (explanation === undefined) throw new Error("nothing was explained");
  const text = formatExplanation(explanation, { colour: false, width: undefined }, false);
  expect(text).not.toContain("\u001b");
  expect(text).not.toMatch(/sha256:[0-9a-f]+…/);
});

test("what nothing links in a scan that is incomplete is held back by that, not by damage in a repository", async () => {
  const registry = new RegistryBuilder();
  registry.repository("team/app").image({ layers: ["a layer"], tag: "1" });
  const digest = sha256("nobody links it");
  registry.tree.write(blobFile(digest), "nobody links it");
  const explanation = await explainOne(registry.tree, digest);
  const incomplete = { ...explanation, verdict: "held", complete: false } as const;
  const text = formatExplanation(incomplete, { colour: false, width: undefined }, false);
  expect(text).toContain("\nHELD BACK: nothing that could be read needs it, but what could not be read may: ");
  expect(text).not.toContain("damage in");
});

test("says how many roots there are beside the one that is shown", async () => {
  const explanations = await explainTree(buildFixture(), ["library/nginx:stable"]);
  const [first] = explanations;
  if (first === undefined) throw new Error("nothing was explained");
  const best = { ...first, chains: first.chains.slice(0, 1) };
  expect(formatExplanation(best, { colour: false, width: undefined }, false)).toMatch(
    /\nKept by 4 tags, 3 revision links: --all shows the chain from each\.\n/,
  );
});
