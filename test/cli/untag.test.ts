import { describe, expect, test } from "vitest";
import { tagPath } from "#regcheck/registry/layout.js";
import { blobFile, RegistryBuilder } from "../support/builder.js";
import type { RepositoryBuilder } from "../support/builder.js";
import { RegistryTree } from "../support/registry-tree.js";
import { policyFile } from "../support/retained.js";
import { regcheck } from "../support/run.js";
import { CREDENTIALS, startedServer, store } from "../support/s3-bucket.js";
import { contentOf } from "../support/sweeping.js";
import { temporaryDirectory, written } from "../support/temporary.js";

const KEYS = { AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId, AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey };

/** An image with two tags, one that is part of an index, one with a tag of its own, and a tag whose manifest was deleted. */
function registry() {
  const builder = new RegistryBuilder();
  const app = builder.repository("team/app");
  const image = app.image({ layers: ["a layer"], tag: "1" });
  app.tag("latest", image.digest);
  const child = app.image({ layers: ["arm"], tag: "arm" });
  const index = app.index([child], "multi");
  const only = app.image({ layers: ["old"], config: "old", tag: "old" });
  const gone = app.image({ layers: ["gone"], config: "gone", tag: "gone" });
  app.deleteManifest(gone);
  return { builder, app, image, child, index, only, gone };
}

async function untag(directory: string, ...args: string[]) {
  const journal = temporaryDirectory();
  const run = await regcheck(["untag", ...args, "--storage", directory, "--registry-stopped", "--journal-dir", journal]);
  return { ...run, journal };
}

describe("untag", () => {
  test("removes tags and their history, and says what becomes of their manifests", async () => {
    const { builder, image, child, index, only, gone } = registry();
    const directory = written(builder.tree);
    const tags = ["latest", "arm", "old", "gone"].map((tag) => `team/app:${tag}`);
    const { exitCode, stdout, stderr } = await untag(directory, ...tags);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout.split("\n").slice(0, 4)).toEqual([
      `team/app:latest is removed; ${image.digest} still has the tags 1`,
      `team/app:arm is removed; ${child.digest} is still part of ${index.digest}`,
      `team/app:old is removed; ${only.digest} has no other tag: it can be pulled by digest until a sweep with --delete-untagged`,
      `team/app:gone is removed; the repository has no ${gone.digest} any more`,
    ]);
    const before = [...builder.tree.files.keys()];
    const isGone = (file: string): boolean => /\/tags\/(?:latest|arm|old|gone)\//.test(file);
    expect([...RegistryTree.readFrom(directory).files.keys()].sort()).toEqual(before.filter((file) => !isGone(file)).sort());
  });

  test("of all tags of an index does not say that what is part of it is kept by it", async () => {
    const { builder, child, index } = registry();
    const directory = written(builder.tree);
    const until = "can be pulled by digest until a sweep with --delete-untagged";
    const { stdout } = await untag(directory, "team/app:{arm,multi}", "--dry-run");
    expect(stdout.split("\n").slice(0, 2)).toEqual([
      `team/app:arm would be removed; ${child.digest} is part of ${index.digest}, which then has no tag either: it ${until}`,
      `team/app:multi would be removed; ${index.digest} has no other tag: it ${until}`,
    ]);
    // Another index that stays, and another tag of this one, still have it.
    const app = builder.repository("team/app");
    const other = app.index([child], "other", { annotations: { a: "b" } });
    const kept = await untag(written(builder.tree), "team/app:arm", "team/app:multi");
    expect(kept.stdout.split("\n")[0]).toBe(`team/app:arm is removed; ${child.digest} is still part of ${other.digest}`);
    app.tag("more", index.digest);
    const { stdout: all } = await untag(written(builder.tree), "team/app:arm", "team/app:multi", "team/app:other");
    expect(all.split("\n")[0]).toBe(`team/app:arm is removed; ${child.digest} is still part of ${index.digest}`);
  });

  test("of a referrer says that it stays with its subject, and so does what is part of it", async () => {
    const { builder, app, image, child } = registry();
    const signature = app.image({ layers: ["signature"], config: "signature", tag: "signature", subject: image });
    const list = app.index([child], "list", { subject: image });
    const { stdout } = await untag(
      written(builder.tree),
      ...["signature", "list", "arm", "multi"].map((tag) => `team/app:${tag}`),
    );
    const until = `it can be pulled by digest until a sweep with --delete-untagged that does not keep the subject ${image.digest}`;
    const [ofSignature, ofList, ofChild] = stdout.split("\n");
    expect([ofSignature, ofList]).toEqual([
      `team/app:signature is removed; ${signature.digest} has no other tag: ${until}`,
      `team/app:list is removed; ${list.digest} has no other tag: ${until}`,
    ]);
    expect(ofChild).toContain(`${child.digest} is part of `);
    expect(ofChild).toContain(`which then have no tag either: ${until}`);
  });

  test.each([
    ["latest", ["--quarantine"]],
    ["gone", ["--quarantine"]],
    ["latest", []],
    ["gone", []],
  ])("of %s can be undone, with %j", async (tag, more) => {
    const { builder } = registry();
    const directory = written(builder.tree);
    const { journal, stdout } = await untag(directory, `team/app:${tag}`, ...more);
    const run = /Run (\S+),/.exec(stdout)?.[1] ?? "";
    const restored = await regcheck(["restore", run, "--storage", directory, "--journal-dir", journal]);
    expect(restored).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("2 objects restored") as unknown });
    expect(contentOf(RegistryTree.readFrom(directory))).toEqual(contentOf(builder.tree));
  });

  test.each([
    ["text", [], "no digest"],
    ["nothing", [], ""],
    ["what a power loss leaves", [], "\0".repeat(71)],
    ["text, into the quarantine", ["--quarantine"], "no digest"],
  ])("of a tag whose link is damaged (%s) says so, and can be undone", async (_, more, content) => {
    const { builder } = registry();
    builder.tree.write(`${tagPath("team/app", "latest")}/current/link`, content);
    const directory = written(builder.tree);
    const { journal, stdout } = await untag(directory, "team/app:latest", ...more);
    expect(stdout.split("\n")[0]).toBe("team/app:latest is removed; its link is damaged, so what it named cannot be told");
    const run = /Run (\S+),/.exec(stdout)?.[1] ?? "";
    const restored = await regcheck(["restore", run, "--storage", directory, "--journal-dir", journal]);
    expect(restored).toMatchObject({ exitCode: 0, stderr: "", stdout: expect.stringContaining("2 objects restored") as unknown });
    expect(contentOf(RegistryTree.readFrom(directory))).toEqual(contentOf(builder.tree));
  });

  test.each([
    ["an unknown tag", ["team/app:1", "team/app:no"], 2, "team/app:no: no such tag"],
    ["an unknown repository", ["team/app:1", "team/none:1"], 2, "team/none: no such repository"],
    ["what is no tag", ["team/app"], 2, "expected repository:tag"],
  ])("%s is an error before anything is touched", async (_, tags, code, message) => {
    const { builder } = registry();
    const directory = written(builder.tree);
    const { exitCode, stdout, stderr } = await untag(directory, ...tags);
    expect({ exitCode, stdout }).toEqual({ exitCode: code, stdout: "" });
    expect(stderr).toContain(message);
    expect(contentOf(RegistryTree.readFrom(directory))).toEqual(contentOf(builder.tree));
  });

  test("an upload in its repository that is younger than the grace time refuses it", async () => {
    const { builder } = registry();
    builder.now = Math.floor(Date.now() / 1000) - 300;
    builder.repository("team/app").upload("0f7c1c8e-6f0e-4f5e-9c39-5d3a4d3f8a11", new Date(builder.now * 1000).toISOString());
    const directory = written(builder.tree);
    const { exitCode, stderr } = await untag(directory, "team/app:1");
    expect(stderr).toMatch(/^regcheck: untag refused by the rule no-active-uploads: .*team\/app.*Nothing was removed\.\n$/);
    expect(exitCode).toBe(4);
    expect((await untag(directory, "team/app:1", "--grace", "1m")).exitCode).toBe(0);
  });
});

describe("untag of what registry 2.1.0 linked as a layer alone", () => {
  function linkedAsLayer() {
    const builder = new RegistryBuilder();
    const app = builder.repository("app");
    const old = app.image({ layers: ["old"], config: "old", tag: "old" });
    app.mount(old);
    app.deleteManifest(old);
    app.image({ layers: ["new"], config: "new", tag: "new" });
    return { builder, app, old };
  }

  test.each([
    ["its only tag", () => {}],
    ["a tag that has named it", (app: RepositoryBuilder) => app.tag("old", app.image({ config: "moved" }).digest)],
  ])("%s is refused, for the next sweep would take it", async (_, change) => {
    const { builder, app, old } = linkedAsLayer();
    change(app);
    const directory = written(builder.tree);
    for (const args of [["app:old"], ["app:old", "--dry-run"], ["app:o*"]]) {
      const { exitCode, stderr } = await untag(directory, ...args);
      expect(stderr).toContain(`app:old: the repository has ${old.digest} by a layer link alone, as registry 2.1.0 wrote it`);
      expect(exitCode).toBe(4);
    }
    const policy = policyFile('- {name: old, action: {type: Delete}, condition: {tags: ["old"]}}');
    const judged = await untag(directory, "--policy", policy);
    expect(judged.stdout).toContain("not judged: without it the next sweep would take a manifest that has a layer link alone");
    expect(contentOf(RegistryTree.readFrom(directory))).toEqual(contentOf(builder.tree));
  });

  test("goes once its link is repaired, and a sweep leaves its manifest", async () => {
    const { builder, old } = linkedAsLayer();
    const directory = written(builder.tree);
    const options = ["--storage", directory, "--registry-stopped", "--journal-dir", temporaryDirectory()];
    expect(await regcheck(["repair", "revision-link-missing", "--apply", ...options])).toMatchObject({ exitCode: 0 });
    expect(await untag(directory, "app:old")).toMatchObject({ exitCode: 0 });
    expect(await regcheck(["sweep", "--grace", "0", "--max-delete", "100%", ...options])).toMatchObject({ exitCode: 0 });
    expect(RegistryTree.readFrom(directory).text(blobFile(old.digest))).toBeDefined();
  });

  test("takes one of two tags, and that comes back", async () => {
    const { builder, app, old } = linkedAsLayer();
    app.tag("older", old.digest);
    const directory = written(builder.tree);
    const { journal, stdout } = await untag(directory, "app:old", "--quarantine");
    expect(stdout).toContain(`app:old is removed; ${old.digest} still has the tags older`);
    const restored = await regcheck([
      "restore",
      /Run (\S+),/.exec(stdout)?.[1] ?? "",
      "--storage",
      directory,
      "--journal-dir",
      journal,
    ]);
    expect(restored).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("2 objects restored") as unknown });
    expect(contentOf(RegistryTree.readFrom(directory))).toEqual(contentOf(builder.tree));
  });
});

test("untag of a tag by another algorithm's digest says what it named, and restores it", async () => {
  const { builder, app, image } = registry();
  const alias = app.pushAlias(builder.tree.text(blobFile(image.digest)) ?? "");
  app.tag("by-sha512", alias.digest);
  const directory = written(builder.tree);
  const { journal, stdout } = await untag(directory, "team/app:by-sha512", "--quarantine");
  expect(stdout).toContain(`team/app:by-sha512 is removed; ${alias.digest} still has the tags 1, latest`);
  const restored = await regcheck([
    "restore",
    /Run (\S+),/.exec(stdout)?.[1] ?? "",
    "--storage",
    directory,
    "--journal-dir",
    journal,
  ]);
  expect(restored).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("2 objects restored") as unknown });
});

describe("untag in a bucket", () => {
  async function bucket() {
    const { builder, index } = registry();
    const server = await startedServer();
    store(server, builder.tree);
    const args = ["--storage", "s3://b", "--endpoint", server.endpoint, "--journal-dir", temporaryDirectory(), "--dry-run"];
    return { server, index, show: (...tags: string[]) => regcheck(["untag", ...tags, ...args, "--registry-stopped"], KEYS) };
  }

  test("reads each manifest once, however many tags go", async () => {
    const { server, show } = await bucket();
    const manifests = (): number =>
      server.log.filter(({ operation, key }) => operation === "GetObject" && key?.includes("/blobs/")).length;
    expect(await show("team/app:1", "team/app:arm", "team/app:old", "team/app:latest")).toMatchObject({ exitCode: 0 });
    // And one of them once more, to ask who serves it.
    expect(manifests()).toBe(4 + 1);
  });

  test("is refused while a manifest cannot be read: it may be an index", async () => {
    const { server, index, show } = await bucket();
    const effect = { kind: "error", status: 403, code: "AccessDenied" } as const;
    server.inject({ operation: "GetObject", key: new RegExp(index.digest.slice(7)), times: Infinity, effect });
    const { exitCode, stdout, stderr } = await show("team/app:arm");
    expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: "" });
    expect(stderr).toContain(`${index.digest.slice(7)}/data: `);
    expect(stderr).toContain("Nothing was removed.");
  });
});
