import { describe, expect, test } from "vitest";
import { RegistryBuilder } from "../support/builder.js";
import { AgedRegistry, policyFile } from "../support/retained.js";
import { RegistryTree } from "../support/registry-tree.js";
import { regcheck } from "../support/run.js";
import { contentOf } from "../support/sweeping.js";
import { temporaryDirectory, written } from "../support/temporary.js";

const TAGS = ["pr-1", "v0.1", "v1.0", "v10", "v11", "v12", "v2.0"];

function registry(): string {
  const aged = new AgedRegistry();
  aged.images("app", Object.fromEntries(TAGS.map((tag) => [tag, 90])));
  return written(aged.builder.tree);
}

function tagsIn(directory: string): string[] {
  const files = [...RegistryTree.readFrom(directory).files.keys()];
  return files.flatMap((file) => /\/tags\/([^/]+)\/current\/link$/.exec(file)?.[1] ?? []).sort();
}

function untag(directory: string, ...words: string[]) {
  const target = ["--storage", directory, "--registry-stopped", "--journal-dir", temporaryDirectory(), "--apply"];
  return regcheck(["untag", ...words, ...target]);
}

describe("a glob of untag", () => {
  test.each([
    ["app:[!v]*", ["pr-1"]],
    ["app:[^v]*", ["pr-1"]],
    ["app:v{10..12}", ["v10", "v11", "v12"]],
    ["app:v{2..10}*", ["v10", "v2.0"]],
    ["app:!(v*|x)", ["pr-1"]],
  ])("%s takes %j", async (glob, gone) => {
    const directory = registry();
    const { exitCode, stderr } = await untag(directory, glob);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(tagsIn(directory)).toEqual(TAGS.filter((tag) => !gone.includes(tag)));
  });

  test.each([
    ["app:!v1.0", '!v1.0: a glob is not negated by "!" alone'],
    ["app:[v*", '[v*: "[" is not closed'],
    ["app*:{v", '{v: "{" is not closed'],
  ])("%s is refused", async (glob, message) => {
    const directory = registry();
    const before = contentOf(RegistryTree.readFrom(directory));
    const { exitCode, stderr } = await untag(directory, glob);
    expect(stderr).toContain(`regcheck: ${glob}: ${message}`);
    expect(exitCode).toBe(2);
    expect(contentOf(RegistryTree.readFrom(directory))).toEqual(before);
  });

  test("takes no tag from a repository whose name is none", async () => {
    const builder = new RegistryBuilder();
    builder.repository("app").image({ tag: "pr-1" });
    builder.repository("app_").image({ tag: "pr-1" });
    const directory = written(builder.tree);
    const { exitCode, stdout } = await untag(directory, "app*:pr-*");
    expect(exitCode).toBe(0);
    expect(stdout).not.toContain("app_:pr-1");
    expect(tagsIn(directory)).toEqual(["pr-1"]);
  });
});

test("a policy's globs negate and count as a shell does", async () => {
  const directory = registry();
  const policy = policyFile(`
- {name: all, action: {type: Delete}, condition: {tags: ["[!p]*"]}}
- {name: kept, action: {type: Keep}, condition: {tags: ["v[!01]*", "v{10..11}"]}}`);
  const { exitCode, stderr } = await untag(directory, "--policy", policy, "--max-untag", "90%");
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(tagsIn(directory)).toEqual(["pr-1", "v10", "v11", "v2.0"]);
});

test("--repository is such a glob", async () => {
  const builder = new RegistryBuilder();
  for (const name of ["app", "base", "team/web"]) builder.repository(name).image({ tag: "1" });
  const directory = written(builder.tree);
  const shown = async (glob: string): Promise<string[]> => {
    const { stdout } = await regcheck([directory, "--format", "json", "--repository", glob]);
    return (JSON.parse(stdout) as { repositories: { name: string }[] }).repositories.map(({ name }) => name);
  };
  expect(await shown("[!a]*")).toEqual(["base"]);
  expect(await shown("**/[!a]*")).toEqual(["base", "team/web"]);
  const { exitCode, stderr } = await regcheck([directory, "--repository", "te**"]);
  expect(stderr).toContain("--repository te**: ** stands for whole parts of a repository's name");
  expect(exitCode).toBe(2);
});
