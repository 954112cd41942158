import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { RegistryBuilder } from "../support/builder.js";
import { RegistryTree } from "../support/registry-tree.js";
import { regcheck } from "../support/run.js";
import type { Run } from "../support/run.js";
import { contentOf } from "../support/sweeping.js";
import { temporaryDirectory, written } from "../support/temporary.js";

/** A registry with garbage of every kind, for the links' sake alone. */
function storage(): string {
  const registry = new RegistryBuilder();
  const app = registry.repository("team/app");
  app.image({ layers: ["in use"], config: "in use too", tag: "1" });
  app.image({ layers: ["untagged"], config: "untagged too" });
  const moved = app.image({ layers: ["moved"], config: "moved too", tag: "moved" });
  app.image({ layers: ["in use"], config: "moved away", tag: "moved" });
  app.deleteManifest(moved);
  app.push("a layer that nothing needs");
  app.upload("b6a1d2f4-3f58-4b6f-8c80-0a1b2c3d4e5f", "2023-01-01T00:00:00Z");
  registry.repository("team/empty").push("the last layer");
  registry.blob("a blob of nobody");
  return written(registry.tree);
}

function config(root: string, more: string): string {
  const file = path.join(temporaryDirectory(), "config.yml");
  fs.writeFileSync(file, `version: 0.1\nstorage: {filesystem: {rootdirectory: ${root}}}\n${more}\n`);
  return file;
}

/** How the storage is named, and what is in the environment. */
interface Named {
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

type Name = (root: string) => Named;
const byConfig =
  (more: string): Name =>
  (root) => ({ args: ["--config", config(root, more)], environment: {} });
const byMarker =
  (file: string): Name =>
  (root) => {
    fs.mkdirSync(path.join(root, path.dirname(file)), { recursive: true });
    fs.writeFileSync(path.join(root, file), "{}");
    return { args: ["--storage", root], environment: {} };
  };

/** All that is recognised is in test/registry/owners.test.ts. */
const ELSEWHERE: readonly (readonly [what: string, name: Name, owner: string])[] = [
  ["Harbor", byConfig("auth: {htpasswd: {realm: harbor-registry-basic-realm, path: /etc/registry/passwd}}"), "harbor"],
  ["the upstream of a proxy, by its file", byMarker("scheduler-state.json"), "proxy"],
  [
    "GitLab's database, by a variable of the registry's container",
    (root) => ({ args: ["--storage", root], environment: { REGISTRY_DATABASE_ENABLED: "prefer" } }),
    "gitlab",
  ],
];

const FIGURES =
  /Reclaimable|\d reclaimable|No pull needs it|would go|is garbage, unless|♻|"garbage"|,garbage,|severity="garbage"/;
const FORMATS = ["text", "json", "ndjson", "csv", "html", "prometheus"] as const;

/** The check as the named storage has it: the check alone takes it as a word. */
function check({ args, environment }: Named, more: readonly string[] = []): Promise<Run> {
  const [option, value = ""] = args;
  return regcheck([...(option === "--storage" ? [value] : args), "--grace=0", ...more], environment);
}

describe.each(ELSEWHERE)("%s decides what is live", (_, name, owner) => {
  test("every report says so, and gives no figure of garbage", async () => {
    const named = name(storage());
    const runs = await Promise.all(FORMATS.map((format) => check(named, [`--format=${format}`, "--delete-untagged"])));
    for (const [i, { exitCode, stdout, stderr }] of runs.entries()) {
      expect({ exitCode, stderr }, FORMATS[i]).toEqual({ exitCode: 0, stderr: "" });
      expect(stdout, FORMATS[i]).not.toMatch(FIGURES);
      expect(stdout, FORMATS[i]).toContain("truth-elsewhere");
      expect(stdout, FORMATS[i]).not.toContain("secret");
    }
    const [text, json, , , , prometheus] = runs.map(({ stdout }) => stdout);
    expect(text).toMatch(/SOUND: 0 errors, \d warnings?, what is garbage cannot be told from this storage\n$|SERVING/);
    expect(JSON.parse(json ?? "")).toMatchObject({ truthElsewhere: [{ owner }] });
    expect(JSON.parse(json ?? "")).not.toHaveProperty("reclaimable");
    expect(prometheus).toMatch(/^regcheck_garbage_known\{.*\} 0$/m);
  });

  test("a sweep, an untag and a repair are refused; a dry run and an explanation call nothing garbage", async () => {
    const root = storage();
    const named = name(root);
    const before = contentOf(RegistryTree.readFrom(root));
    const more = ["--registry-stopped", "--journal-dir", temporaryDirectory()];
    const rule = owner === "proxy" ? "no-proxy" : "no-database";
    const sweep = await check(named, ["--sweep", "--max-delete=100%", ...more]);
    const untag = await regcheck(["untag", "team/app:1", ...named.args, ...more], named.environment);
    const repair = await regcheck(["repair", "tag-dangling", "--apply", ...named.args, ...more], named.environment);
    for (const { exitCode, stderr } of [sweep, untag, repair]) {
      expect(exitCode).toBe(4);
      expect(stderr).toContain(`refused by the rule ${rule}`);
    }
    const planned = await check(named, ["--dry-run", ...more]);
    expect(planned.stdout).toContain(`REFUSES  ${rule}`);
    expect(planned.stdout).not.toMatch(FIGURES);
    const plan = await check(named, ["--dry-run", "--format=json", ...more]);
    expect(JSON.parse(plan.stdout)).not.toHaveProperty("plan");
    const manifest = [...RegistryTree.readFrom(root).files.keys()].find((file) => file.includes("blobs/sha256")) ?? "";
    const hex = /[0-9a-f]{64}/.exec(manifest)?.[0] ?? "";
    const explained = await regcheck(["explain", `sha256:${hex}`, ...named.args, "--grace=0"], named.environment);
    expect(explained.stdout).not.toMatch(/GARBAGE|it is garbage|would be freed/);
    expect(contentOf(RegistryTree.readFrom(root))).toEqual(before);
  });
});

describe("what a pull-through cache lacks was not pulled yet", () => {
  test("no error and no warning of it; what is there and rotten is an error", async () => {
    const registry = new RegistryBuilder();
    const app = registry.repository("library/app");
    const amd64 = app.image({ layers: ["pulled", "not pulled"], config: "config" });
    app.index([amd64, app.image({ layers: ["arm"], config: "config of arm" })], "latest");
    app.image({ layers: ["of a manifest that has expired"], config: "expired", tag: "old" });
    const root = written(registry.tree);
    const tree = RegistryTree.readFrom(root);
    const files = [...tree.files.keys()];
    const remove = (matches: (file: string, content: string) => boolean): void => {
      for (const file of files)
        if (matches(file, tree.text(file) ?? "")) fs.rmSync(path.join(root, path.dirname(file)), { recursive: true });
    };
    remove((file, content) => file.includes("/blobs/") && (content === "not pulled" || content === "config of arm"));
    remove((file) => file.includes("/_layers/") && file.includes(amd64.digest.slice(7)));
    const named = byConfig("proxy: {remoteurl: https://registry-1.docker.io}")(root);
    const { exitCode, stdout } = await check(named);
    expect(stdout).not.toMatch(/blob-missing|child-missing|layer-link-missing|manifest-missing|tag-dangling|DAMAGED/);
    expect(stdout).toContain("SOUND");
    expect(exitCode).toBe(0);
    const rotten = files.find((file) => tree.text(file) === "pulled") ?? "";
    fs.writeFileSync(path.join(root, rotten), "rotten");
    const verified = await check(named, ["--verify"]);
    expect(verified.stdout).toMatch(/blob-corrupt \(1 error\)/);
    expect(verified.exitCode).toBe(1);
  });
});

describe("manifests, and not one tag in the whole registry", () => {
  function untagged(): { root: string; digest: string } {
    const registry = new RegistryBuilder();
    const { digest } = registry.repository("project/app").image({ layers: ["a layer"], config: "a config" });
    registry.repository("project/app").push("a layer that nothing needs");
    return { root: written(registry.tree), digest };
  }

  test("no report says what --delete-untagged would take; without it the figures stand", async () => {
    const { root } = untagged();
    for (const format of FORMATS) {
      const { stdout } = await regcheck([root, "--grace=0", "--delete-untagged", `--format=${format}`]);
      expect(stdout, format).not.toMatch(FIGURES);
      expect(stdout, format).toContain("tags-elsewhere");
    }
    const asIs = await regcheck([root, "--grace=0"]);
    expect(asIs.stdout).toMatch(/^ {2}as is {2,}\d+ B/m);
    expect(asIs.stdout).not.toMatch(/^ {2}with --delete-untagged|^ {2}with both|is garbage, unless/m);
    expect(asIs.stdout).toContain("where are they kept?");
    const json = JSON.parse((await regcheck([root, "--grace=0", "--format=json"])).stdout) as { reclaimable: object };
    expect(Object.keys(json.reclaimable)).toEqual(["asIs", "withDropDanglingTags", "withPurgeUploads", "selected"]);
  });

  test("a sweep with --delete-untagged asks where tags are kept, and never for --max-delete 100%", async () => {
    const { root, digest } = untagged();
    const sweep = [root, "--sweep", "--grace=0", "--registry-stopped", "--journal-dir", temporaryDirectory()];
    for (const more of [[], ["--max-delete=100%"], ["--dry-run"], ["--keep", keep(`sha256:${"0".repeat(64)}`)]]) {
      const { stdout, stderr } = await regcheck([...sweep, "--delete-untagged", ...more]);
      expect(stdout + stderr).toMatch(/has-tags: there are 1 manifests?, and not one tag in the whole registry/);
      expect(stdout + stderr).toContain("Where are the tags kept?");
      expect(stdout + stderr).not.toContain("--max-delete");
    }
    const kept = await regcheck([...sweep, "--delete-untagged", "--keep", keep(digest), "--max-delete=100%"]);
    expect(kept.stderr).toBe("");
    expect(kept.stdout).toContain("Removed: 26 B in 1 blob");
    expect(kept.exitCode).toBe(0);
  });

  test("a sweep of what no manifest needs goes on", async () => {
    const { root } = untagged();
    const { exitCode, stdout } = await regcheck([
      root,
      "--sweep",
      "--grace=0",
      "--registry-stopped",
      "--journal-dir",
      temporaryDirectory(),
    ]);
    expect(stdout).toContain("Removed: 26 B in 1 blob");
    expect(exitCode).toBe(0);
  });

  function keep(digest: string): string {
    const file = path.join(temporaryDirectory(), "keep");
    fs.writeFileSync(file, digest);
    return file;
  }
});
