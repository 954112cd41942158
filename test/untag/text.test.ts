import { expect, test } from "vitest";
import { parsePolicyFile } from "#regcheck/retention/policy-file.js";
import { FilesystemStorage } from "#regcheck/storage/filesystem/filesystem.js";
import { planUntagByPolicy } from "#regcheck/untag-by-policy.js";
import { summarize } from "#regcheck/untag/summary.js";
import { formatGone, formatPreview } from "#regcheck/untag/text.js";
import type { TextOptions } from "#regcheck/report/wrap.js";
import { AgedRegistry } from "../support/retained.js";
import { written } from "../support/temporary.js";

const POLICY = "- {name: old builds, action: {type: Delete}, condition: {olderThan: 30d}}";

/** What is shown of two repositories; with `gone`, of the tags that went. */
async function show(options: Partial<TextOptions>, gone = false): Promise<string> {
  const aged = new AgedRegistry();
  const app = aged.images("app", { "pr-1": 90, main: 1 });
  aged.builder.tree.write(`${app.path}/_manifests/tags/broken/current/link`, "");
  const signed = aged.images("signed", { v1: 90, main: 1 });
  const digest = aged.builder.tree.text(`${signed.path}/_manifests/tags/v1/current/link`) ?? "";
  aged.pushed(90, () => signed.image({ layers: ["signature"], tag: `${digest.replace(":", "-")}.sig` }));
  const storage = FilesystemStorage.open(written(aged.builder.tree), { concurrency: 1 });
  const now = Math.floor(Date.now() / 1000);
  const retention = { retention: parsePolicyFile(POLICY, "p.yaml"), file: "p.yaml", detail: "decisions" as const };
  try {
    const { marked, verdicts } = await planUntagByPolicy(storage, {
      check: { policy: { deleteUntagged: false, dropDanglingTags: false, grace: 3600, now, pins: [], retention } },
      writers: { registryUrls: [], registryStopped: true, config: undefined, probe: {} },
      quarantine: false,
      journalDirectory: "/none",
      signal: new AbortController().signal,
      maxUntag: 1,
      allowUnused: true,
      allowEmpty: true,
    });
    const { table, repositories } = marked;
    const shown = { ...summarize(repositories, retention.retention), table, repositories, verdicts, refusal: undefined, now };
    const format = gone ? formatGone : formatPreview;
    return [...format({ ...shown, planFile: undefined }, { colour: false, width: undefined, ...options })].join("");
  } finally {
    await storage.close();
  }
}

test("a tag has a row in a pipe, however long", async () => {
  const text = await show({});
  expect(text).toMatch(/^ {2}goes {3}v1 {38,} {2}20\S+ ..:.. UTC {3}90 days {2}sha256:\w{12} {2}by the policy old builds$/m);
  expect(text).toMatch(/^ {2}goes {3}sha256-\w{64}\.sig {2}20.* {2}its image goes: this is the last of its tags$/m);
});

test.each([40, 60, 80, 100])("in a terminal of %i columns, what has no room in a row stands below its tag", async (width) => {
  const lines = (await show({ width })).split("\n");
  expect(lines.filter((line) => line.length > width && !/^ {2}goes {3}sha256-\w{64}\.sig$/.test(line))).toEqual([]);
  const at = lines.findIndex((line) => line.endsWith(".sig"));
  expect(lines[at + 1]).toMatch(/^ {9}20\S+ ..:.. UTC 90 days/);
  expect(lines.join(" ").replaceAll(/\s+/g, " ")).toMatch(/sha256:\w{12}, its image goes: this is the last of its tags/);
});

test("takes no character that a locale without UTF-8 lacks", async () => {
  expect(await show({})).toMatch(/^ {4}– {4}broken .* not judged: its current\/link is damaged$/m);
  expect(await show({ ascii: true })).toMatch(/^ {4}- {4}broken /m);
});

test("what went stands by repository, and nothing else", async () => {
  expect(await show({ width: 200 }, true)).toMatch(/^signed: 2 of 3 tags\n {2}goes .*\n {2}goes .*\n$/);
});
