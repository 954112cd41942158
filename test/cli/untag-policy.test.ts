import fs from "node:fs";
import path from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, test } from "vitest";
import { blobFile, sha256, V2 } from "../support/builder.js";
import { RegistryTree } from "../support/registry-tree.js";
import { AgedRegistry, policyFile } from "../support/retained.js";
import { regcheck } from "../support/run.js";
import { contentOf } from "../support/sweeping.js";
import { CREDENTIALS, startedServer, store } from "../support/s3-bucket.js";
import { temporaryDirectory, written } from "../support/temporary.js";

const KEYS = { AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId, AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey };
const OLD = '- {name: old, action: {type: Delete}, condition: {tags: ["**"], olderThan: 30d}}';
const NEWEST = "- {name: newest, action: {type: Keep}, mostRecentVersions: {keepCount: 2}}";

const schema = JSON.parse(
  fs.readFileSync(path.resolve(import.meta.dirname, "../../src/untag/untag.schema.json"), "utf8"),
) as object;
const ajv = new Ajv2020({
  strict: true,
  strictTypes: false,
  formats: { "date-time": (text: string) => new Date(text).toISOString() === text },
});
ajv.addSchema(schema, "untag");

function problemsOf(value: unknown, of: string): string {
  ajv.validate(of, value);
  return ajv.errorsText(ajv.errors);
}

/** Three images, of which two are old, and the signature of an old one. */
function registry() {
  const aged = new AgedRegistry();
  const app = aged.images("team/app", { "1.0": 90, "1.1": 60, "1.2": 2, latest: 1 });
  const digest = app.registry.tree.text(`${app.path}/_manifests/tags/1.0/current/link`) ?? "";
  aged.pushed(1, () => app.image({ layers: ["signature"], config: "signature", tag: `${digest.replace(":", "-")}.sig` }));
  return { aged, app, digest, directory: written(aged.builder.tree) };
}

async function untag(directory: string, policy: string, ...args: string[]) {
  const journal = temporaryDirectory();
  const run = await regcheck([
    "untag",
    "--policy",
    policyFile(policy),
    directory,
    "--registry-stopped",
    "--journal-dir",
    journal,
    ...args,
  ]);
  return { ...run, journal };
}

function tagsIn(directory: string): string[] {
  return [...RegistryTree.readFrom(directory).below(`${V2}/repositories`)]
    .flatMap(([file]) => /^(.+)\/_manifests\/tags\/([^/]+)\/current\/link$/.exec(file)?.slice(1).join(":") ?? [])
    .sort();
}

describe("untag --policy", () => {
  test("shows every tag with what decides, and changes nothing", async () => {
    const now = Date.now();
    const { directory, digest } = registry();
    const before = contentOf(RegistryTree.readFrom(directory));
    const { exitCode, stdout, stderr } = await untag(directory, `${OLD}\n${NEWEST}`);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    const lines = stdout.split("\n").map((line) => line.replaceAll(/\s+/g, " ").trim());
    expect(lines[0]).toBe("team/app: 3 of 5 tags");
    const day = (days: number): string => new Date(now - days * 86_400_000).toISOString().slice(0, 10);
    expect(lines[1]).toMatch(new RegExp(`^goes 1.0 ${day(90)} ..:.. UTC 90 days ${digest.slice(0, 19)} by the policy old$`));
    expect(lines[2]).toMatch(/^goes 1\.1 .* by the policy old$/);
    expect(lines[3]).toMatch(/^stays 1\.2 .* no delete policy selects it$/);
    expect(lines[5]).toMatch(/^goes sha256-.*\.sig .* its image goes: this is the last of its tags$/);
    expect(lines).toContain("old: takes 2 tags");
    expect(lines).toContain(
      "2 of 4 tags would go, and 1 of signatures and other referrers with them (nothing was changed; --apply removes them)",
    );
    expect(stdout).toMatch(/passed {3}keep-policies-used: 1 keep policy selects tags/);
    expect(contentOf(RegistryTree.readFrom(directory))).toEqual(before);
  });

  test("removes them with --apply, and nothing else; --dry-run wins", async () => {
    const { directory } = registry();
    const before = RegistryTree.readFrom(directory);
    const policy = `${OLD}\n${NEWEST}`;
    expect((await untag(directory, policy, "--apply", "--dry-run")).exitCode).toBe(0);
    expect(contentOf(RegistryTree.readFrom(directory))).toEqual(contentOf(before));

    const { exitCode, stdout } = await untag(directory, policy, "--apply");
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/goes {3}1\.0 /);
    expect(stdout).not.toContain("1.2");
    expect(stdout).toMatch(/Removed: .*3 tags/);
    expect(tagsIn(directory)).toEqual(["team/app:1.2", "team/app:latest"]);
    const after = RegistryTree.readFrom(directory);
    const gone = [...before.files.keys()].filter((file) => !after.files.has(file));
    expect(gone.every((file) => /\/_manifests\/tags\/(?:1\.0|1\.1|sha256-\w+\.sig)\//.test(file))).toBe(true);

    const again = await untag(directory, `${OLD}\n${NEWEST}`, "--apply");
    expect(again).toMatchObject({ exitCode: 0, stdout: "No tag goes: nothing was changed.\n" });
  });

  test("can be undone, tags of signatures too", async () => {
    const { directory } = registry();
    const before = contentOf(RegistryTree.readFrom(directory));
    const { stdout, journal } = await untag(directory, OLD, "--apply", "--quarantine");
    expect(tagsIn(directory)).toEqual(["team/app:1.2", "team/app:latest"]);
    const run = /Run (\S+),/.exec(stdout)?.[1] ?? "";
    expect((await regcheck(["restore", run, "--storage", directory, "--journal-dir", journal])).exitCode).toBe(0);
    expect(contentOf(RegistryTree.readFrom(directory))).toEqual(before);
  });

  test("says nothing with --quiet when it went well", async () => {
    const { directory } = registry();
    expect(await untag(directory, OLD, "--apply", "--quiet")).toMatchObject({ exitCode: 0, stdout: "", stderr: "" });
    expect(tagsIn(directory)).toHaveLength(2);
  });

  test("keeps what runs, and the tag of an index of which a part runs", async () => {
    const aged = new AgedRegistry();
    const app = aged.images("app", { a: 90, b: 1, c: 1, d: 1 });
    const running = aged.pushed(90, () => app.image({ layers: ["arm"], config: "arm" }));
    aged.pushed(90, () => app.index([running], "multi"));
    const directory = written(aged.builder.tree);
    const pins = path.join(temporaryDirectory(), "pins");
    fs.writeFileSync(pins, `imageID: ${running.digest}`);
    const { stdout } = await untag(directory, OLD, "--keep", pins);
    expect(stdout).toMatch(/stays {2}multi .*its image is in use \(--keep\)/);
    expect(stdout).toMatch(/goes {3}a /);
  });

  test("is told by the schema, as JSON and as lines", async () => {
    const { directory, digest } = registry();
    const { stdout, exitCode } = await untag(directory, `${OLD}\n${NEWEST}`, "--format", "json");
    const report = JSON.parse(stdout) as { readonly totals: object; readonly tags: readonly object[]; readonly policies: object };
    expect(problemsOf(report, "untag")).toBe("No errors");
    expect(exitCode).toBe(0);
    expect(report.totals).toEqual({ repositories: 1, tags: 5, judged: 4, goes: 2, referrersGo: 1, unjudged: 0 });
    expect(report.policies).toEqual([
      { name: "old", action: "delete", decides: 2 },
      { name: "newest", action: "keep", decides: 0 },
    ]);
    expect(report.tags[0]).toMatchObject({
      repository: "team/app",
      tag: "1.0",
      digest,
      goes: true,
      reason: "delete-policy",
      policy: "old",
    });

    const applied = JSON.parse((await untag(directory, OLD, "--apply", "--format", "json")).stdout) as object;
    expect(problemsOf(applied, "untag")).toBe("No errors");
    expect(applied).toMatchObject({ applied: true, untag: { deleted: { tags: 3 } } });
    const lines = (await untag(directory, OLD, "--format", "ndjson")).stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as object);
    expect(lines.map((line) => problemsOf(line, "untag#/$defs/line"))).toEqual(lines.map(() => "No errors"));
    expect(lines.at(-1)).toEqual({ type: "end", tags: 2 });
  });

  test("goes by the times of a bucket's listing, at no request more, and can be undone there", async () => {
    const { aged } = registry();
    const server = await startedServer();
    store(server, aged.builder.tree);
    const at = ["--endpoint", server.endpoint, "--journal-dir", temporaryDirectory()];
    const file = policyFile(OLD);
    const plain = await regcheck(["s3://b", "--endpoint", server.endpoint, "--fail-on", "never"], KEYS);
    expect(plain.exitCode).toBe(0);
    const asked = { ...server.requests };
    const preview = await regcheck(["untag", "--policy", file, "s3://b", ...at], KEYS);
    expect(preview.stdout).toMatch(/2 of 4 tags would go, and 1 of signatures/);
    for (const [operation, count] of Object.entries(server.requests))
      expect(count).toBeLessThanOrEqual(2 * (asked[operation] ?? 0));
    const args = ["untag", "--policy", file, "s3://b", ...at, "--apply", "--quarantine", "--registry-stopped"];
    const { stdout, exitCode } = await regcheck(args, KEYS);
    expect(stdout).toMatch(/^Moved to the quarantine: .* 3 tags/m);
    expect(exitCode).toBe(0);
    const run = /Run (\S+),/.exec(stdout)?.[1] ?? "";
    expect(await regcheck(["restore", run, "--storage", "s3://b", ...at], KEYS)).toMatchObject({ exitCode: 0 });
    // A copy is as old as its restoring: when the tags were pushed is not known any more, that of the signature included.
    expect((await regcheck(["untag", "--policy", file, "s3://b", ...at], KEYS)).stdout).toMatch(
      /0 of 2 tags would go; 3 tags not judged/,
    );
  });

  test("by a plan removes what was reviewed, unless it has moved since", async () => {
    const { directory, app, aged } = registry();
    const plan = path.join(temporaryDirectory(), "plan.ndjson");
    expect((await untag(directory, OLD, "--plan-output", plan)).exitCode).toBe(0);
    // One tag has moved, though its time says otherwise, and one more is old by now.
    const other = aged.pushed(90, () => app.image({ layers: ["another"], config: "another", tag: "1.1" }));
    aged.pushed(90, () => app.tag("1.2", other.digest));
    aged.builder.tree.writeTo(directory);
    const { stdout, exitCode } = await untag(directory, OLD, "--plan", plan, "--apply", "--max-untag", "100%");
    expect({ exitCode, stdout }).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("2 tags") as unknown });
    expect(tagsIn(directory)).toEqual(["team/app:1.1", "team/app:1.2", "team/app:latest"]);
  });

  test("with a plan that lacks one of an image's tags keeps its signature", async () => {
    const { directory, app, aged, digest } = registry();
    const plan = path.join(temporaryDirectory(), "plan.ndjson");
    await untag(directory, OLD, "--plan-output", plan);
    aged.pushed(90, () => app.tag("one-more", digest));
    aged.builder.tree.writeTo(directory);
    await untag(directory, OLD, "--plan", plan, "--apply", "--max-untag", "100%");
    expect(tagsIn(directory)).toEqual([
      "team/app:1.2",
      "team/app:latest",
      "team/app:one-more",
      `team/app:${digest.replace(":", "-")}.sig`,
    ]);
  });

  test.each([
    ["--apply goes with --policy", ["app:1", "--apply"]],
    ["--keep goes with --policy", ["app:1", "--keep", "-"]],
    ["--max-untag goes with --policy", ["app:1", "--max-untag", "1%"]],
    ["name the tags to remove, as repository:tag, or give --policy FILE", []],
    ["with --policy, no tags are named, and one storage", ["--policy", "p", "/a", "--storage", "/b"]],
    ["--plan-output goes without --apply", ["--policy", "p", "/a", "--apply", "--plan-output", "q"]],
    ["--policy /none/p.yaml: no such file or directory", ["--policy", "/none/p.yaml", "/a"]],
  ])("%s", async (message, args) => {
    const { exitCode, stderr } = await regcheck(["untag", ...args]);
    expect(stderr).toContain(message);
    expect(exitCode).toBe(2);
  });

  test("a policy file that is refused names the file, the policy and the key, in every command", async () => {
    const { directory } = registry();
    const file = policyFile("- {name: x, action: {type: Delete}, condition: {tagPatern: [a]}}");
    for (const args of [
      ["untag", "--policy", file, directory],
      [directory, "--policy", file],
      ["explain", "team/app:1.0", "--storage", directory, "--policy", file],
    ]) {
      const { exitCode, stderr } = await regcheck(args);
      expect(stderr).toContain(`--policy ${file}: x.condition.tagPatern: there is no such key`);
      expect(exitCode).toBe(2);
    }
  });

  test("a sweep takes no policy file", async () => {
    const { directory } = registry();
    const { exitCode, stderr } = await regcheck([directory, "--policy", policyFile(OLD), "--dry-run"]);
    expect({ exitCode, stderr }).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining("a sweep removes no tags") as unknown,
    });
  });
});

describe("what a check with --policy says would be free", () => {
  /** Shared and own layers, an index, signatures of both kinds, a manifest with two digests, and one that only a layer link finds. */
  function mixed(): RegistryTree {
    const aged = new AgedRegistry();
    const app = aged.images("team/app", { "1.0": 90, "1.1": 60, "1.2": 2, latest: 1 });
    const content = (tag: string): string => {
      const digest = aged.builder.tree.text(`${app.path}/_manifests/tags/${tag}/current/link`) ?? "";
      return aged.builder.tree.text(blobFile(digest)) ?? "";
    };
    aged.pushed(90, () => {
      app.image({ layers: ["signature"], config: "signature", tag: `${sha256(content("1.0")).replace(":", "-")}.sig` });
      app.image({ layers: ["sbom"], config: "sbom", subject: app.image({ layers: ["shared"], tag: "with-sbom" }) });
      const arm = app.image({ layers: ["shared", "arm"], config: "arm" });
      app.index([arm, app.image({ layers: ["amd"], config: "amd", tag: "amd-alone" })], "multi");
      app.tag("by-sha512", app.pushAlias(content("1.1")).digest);
      app.deleteManifest(app.mount(app.image({ layers: ["as 2.1 wrote it"], config: "2.1", tag: "layer-linked" })));
      aged.builder.repository("other").image({ layers: ["shared"], config: "other", tag: "old" });
    });
    aged.images("other", { new: 1 });
    return aged.builder.tree;
  }

  test.each(["on a filesystem", "in a bucket"])("is what untag --apply and then a sweep take, %s", async (where) => {
    const tree = mixed();
    const journal = ["--journal-dir", temporaryDirectory()];
    const server = where === "in a bucket" ? await startedServer() : undefined;
    if (server !== undefined) store(server, tree);
    const at = server === undefined ? [written(tree)] : ["s3://b", "--endpoint", server.endpoint];
    const policy = ["--policy", policyFile(`${OLD}\n${NEWEST}`)];
    const run = async (...args: string[]): Promise<unknown> => {
      const { stdout, stderr } = await regcheck([...args, "--format", "json"], KEYS);
      expect(stderr).toBe("");
      return JSON.parse(stdout);
    };
    const check = (await run(...at, ...policy, "--delete-untagged", "--fail-on", "never")) as {
      readonly reclaimable: { readonly withPolicy: object };
    };
    const apply = ["--apply", "--registry-stopped", ...journal, "--max-untag", "100%"];
    const untagged = (await run("untag", ...at, ...policy, ...apply)) as {
      readonly untag: { readonly deleted: { readonly tags: number } };
    };
    const sweep = [
      "--delete-untagged",
      "--sweep",
      "--registry-stopped",
      ...journal,
      "--max-delete",
      "100%",
      "--fail-on",
      "never",
    ];
    const swept = (await run(...at, ...sweep)) as { readonly sweep: { readonly deleted: object } };
    const { withPolicy } = check.reclaimable;
    expect({ ...swept.sweep.deleted, tags: untagged.untag.deleted.tags }).toMatchObject(withPolicy);
    // All but layer-linked, without which a sweep would take a manifest.
    expect(withPolicy).toMatchObject({ tags: 7 });
  });
});

describe("traps of other tools", () => {
  test("an image's other tags stay (goharbor/harbor#8717), and all of its files", async () => {
    const { aged, app, digest } = registry();
    aged.pushed(90, () => app.tag("build-7", digest));
    const directory = written(aged.builder.tree);
    const policy = '- {name: builds, action: {type: Delete}, condition: {tags: ["build-*"], olderThan: 7d}}';
    await untag(directory, policy, "--apply");
    expect(tagsIn(directory)).toHaveLength(5);
    const before = [...aged.builder.tree.files.keys()];
    const after = RegistryTree.readFrom(directory).files;
    expect(before.filter((file) => !after.has(file) && !file.includes("/tags/build-7/"))).toEqual([]);
  });

  test("an image is as old as its tag's push, whatever it says of its own making (reproducible builds are from 1970)", async () => {
    const aged = new AgedRegistry();
    const app = aged.builder.repository("app");
    const push = (tag: string, days: number, created: string): void =>
      aged.pushed(days, () => void app.image({ layers: [tag], config: JSON.stringify({ created }), tag }));
    push("z-oldest", 90, "2030-01-01T00:00:00Z");
    push("m", 60, "2020-01-01T00:00:00Z");
    push("a-newest", 1, "1970-01-01T00:00:00Z");
    const newest = "- {name: newest, action: {type: Keep}, mostRecentVersions: {keepCount: 1}}";
    const all = '- {name: all, action: {type: Delete}, condition: {tags: ["**"]}}';
    const directory = written(aged.builder.tree);
    await untag(directory, `${all}\n${newest}`, "--apply", "--max-untag", "100%");
    expect(tagsIn(directory)).toEqual(["app:a-newest"]);
  });

  test.each([
    [
      ["22.04", "22.10", "23.04", "23.10", "24.04"],
      ["23.10", "24.04"],
    ],
    [
      ["2024.9.1", "2024.08.30", "2024.09.2", "2024.10.0-rc.1"],
      ["2024.09.2", "2024.10.0-rc.1"],
    ],
    [
      ["1.3.0", "1.4.0-0123456", "1.4.0-9876543"],
      ["1.4.0-0123456", "1.4.0-9876543"],
    ],
    [
      ["1.3.0", "1.3.1_linux_amd64", "1.4.0-fix_a_b"],
      ["1.3.1_linux_amd64", "1.4.0-fix_a_b"],
    ],
    [
      ["1.0", "1.1", "1.2", "1.2.0.1"],
      ["1.1", "1.2", "1.2.0.1"],
    ],
  ])("of %j the newest two versions stay, and what may be newer", async (tags, kept) => {
    const aged = new AgedRegistry();
    aged.images("app", Object.fromEntries(tags.map((tag) => [tag, 90])));
    const directory = written(aged.builder.tree);
    const newest = "{name: newest, action: {type: Keep}, mostRecentVersions: {keepCount: 2, orderBy: semver}}";
    const policy = `- {name: all, action: {type: Delete}, condition: {tags: ["**"]}}\n- ${newest}`;
    const { exitCode, stderr } = await untag(directory, policy, "--max-untag", "90%", "--apply");
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(tagsIn(directory)).toEqual(kept.map((tag) => `app:${tag}`));
  });

  test("a policy that would take everything is refused, be it that each tag is named", async () => {
    const { directory } = registry();
    const all = '- {name: all, action: {type: Delete}, condition: {tags: ["**"]}}';
    for (const more of [[], ["--apply"]]) {
      const { exitCode, stdout, stderr } = await untag(directory, all, ...more);
      expect(`${stdout}${stderr}`).toMatch(/max-untag: 4 of 4 tags \(100 %\) would go, which is more than 50 %/);
      expect(exitCode).toBe(4);
    }
    expect((await untag(directory, all)).stdout).toMatch(/The untag would be refused by max-untag, with the exit code 4\.\n$/);
    const shown = JSON.parse((await untag(directory, all, "--format", "json")).stdout) as object;
    expect(problemsOf(shown, "untag")).toBe("No errors");
    expect(shown).toMatchObject({ exitCode: 4, refusedBy: "max-untag" });
    expect((await untag(directory, all, "--apply", "--max-untag", "100%")).stderr).toMatch(/refused by the rule last-tags: /);
    expect(tagsIn(directory)).toHaveLength(5);
    expect((await untag(directory, all, "--apply", "--max-untag", "100%", "--allow-empty")).exitCode).toBe(0);
    expect(tagsIn(directory)).toEqual([]);
  });
});

describe("what damage does to a policy", () => {
  test("nothing goes in a repository that it holds back, and a damaged tag is never judged", async () => {
    const aged = new AgedRegistry();
    const broken = aged.images("broken", { a: 90, b: 1 });
    aged.builder.tree.write(`${broken.path}/_manifests/tags/a/current/link`, "");
    const sound = aged.images("sound", { a: 90, b: 90, c: 1, d: 1, e: 1 });
    sound.deleteManifest({
      digest: aged.builder.tree.text(`${sound.path}/_manifests/tags/b/current/link`) ?? "",
      mediaType: "",
      size: 0,
    });
    const directory = written(aged.builder.tree);
    const { stdout } = await untag(directory, '- {name: all, action: {type: Delete}, condition: {tags: ["a", "b"]}}', "--apply");
    expect(stdout).toMatch(/Removed: .*1 tag,/);
    expect(tagsIn(directory)).toEqual(["broken:a", "broken:b", "sound:b", "sound:c", "sound:d", "sound:e"]);
  });

  test("an incomplete scan removes nothing", async () => {
    const { directory, app } = registry();
    fs.rmSync(path.join(directory, app.path, "_manifests/revisions"), { recursive: true });
    fs.writeFileSync(path.join(directory, app.path, "_manifests/revisions"), "");
    const preview = await untag(directory, OLD);
    expect(preview.exitCode).toBe(3);
    const { exitCode, stderr } = await untag(directory, OLD, "--apply");
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 3, stderr: expect.stringContaining("scan-complete") as unknown });
    expect(tagsIn(directory)).toHaveLength(5);
  });
});
