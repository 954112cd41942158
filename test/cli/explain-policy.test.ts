import { describe, expect, test } from "vitest";
import { AgedRegistry, policyFile } from "../support/retained.js";
import { regcheck } from "../support/run.js";
import { written } from "../support/temporary.js";

const POLICY = `- {name: old, action: {type: Delete}, condition: {tags: ["**"], olderThan: 30d}}
- {name: releases, action: {type: Keep}, condition: {tags: ["v*"]}}`;

describe("explain repository:tag --policy", () => {
  const aged = new AgedRegistry();
  aged.images("app", { "pr-1": 90, v1: 90, main: 1 });

  test.each([
    ["pr-1", /^The tag, by .*policy\.yaml\n {2}GOES: by the policy old; last pushed 2/m],
    ["v1", /^ {2}STAYS: kept by the policy releases; last pushed/m],
    ["main", /^ {2}STAYS: no delete policy selects it; last pushed/m],
  ])("says why %s goes or stays", async (tag, words) => {
    const args = ["explain", `app:${tag}`, "--storage", written(aged.builder.tree), "--policy", policyFile(POLICY)];
    const { exitCode, stdout } = await regcheck(args);
    expect(stdout).toMatch(words);
    expect(exitCode).toBe(0);
    const { retention } = JSON.parse((await regcheck([...args, "--format", "json"])).stdout) as { readonly retention: object };
    expect(retention).toMatchObject({ goes: tag === "pr-1", pushed: expect.stringMatching(/^20.*Z$/) as unknown });
  });

  test("is about tags alone", async () => {
    const args = ["explain", "sha256:0123456789", "--storage", written(aged.builder.tree), "--policy", policyFile(POLICY)];
    expect(await regcheck(args)).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining("--policy is about tags: give repository:tag") as unknown,
    });
  });
});

describe("a check with --policy", () => {
  const aged = new AgedRegistry();
  aged.images("app", { "pr-1": 90, "pr-2": 90, main: 1 });
  aged.images("quiet", { main: 1 });
  const argsOf = (): string[] => [
    written(aged.builder.tree),
    "--delete-untagged",
    "--policy",
    policyFile(POLICY.split("\n")[0] ?? ""),
  ];

  test("has a line more of what is reclaimable, and a column more", async () => {
    const { stdout, exitCode } = await regcheck(argsOf());
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^ {2}with --policy +1\.\d\d kB {2}6 blobs, 2 manifests, 4 layer links, 2 tags$/m);
    expect(stdout).toMatch(/^ {2}--policy: once regcheck untag --policy .*policy\.yaml --apply has removed these tags/m);
    expect(stdout).toMatch(/^ +0 B of .* kB, +1\.\d\d kB with --policy {2}app$/m);
  });

  test("has them in HTML and in JSON", async () => {
    const args = argsOf();
    const { stdout: page } = await regcheck([...args, "--format", "html"]);
    expect(page).toContain("with <code>--policy</code>");
    expect(page).toContain('<th scope="col" class="number">With --policy</th>');
    const report = JSON.parse((await regcheck([...args, "--format", "json"])).stdout) as {
      readonly reclaimable: object;
      readonly repositories: readonly object[];
      readonly policy: object;
    };
    expect(report.reclaimable).toMatchObject({ withPolicy: { tags: 2, blobs: 6, revisions: 2, layerLinks: 4 } });
    expect(report.repositories).toMatchObject([{ withPolicy: { tags: 2 } }, { withPolicy: { tags: 0, bytes: 0 } }]);
    expect(report.policy).toMatchObject({ file: args.at(-1) });
  });
});
