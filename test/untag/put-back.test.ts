import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { V2 } from "../support/builder.js";
import { AgedRegistry, policyFile } from "../support/retained.js";
import { regcheck } from "../support/run.js";
import { CREDENTIALS, startedServer, store } from "../support/s3-bucket.js";
import { temporaryDirectory, written } from "../support/temporary.js";

const KEYS = { AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId, AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey };
const POLICY = [
  '- {name: all, action: {type: Delete}, condition: {tags: ["**"]}}',
  "- {name: newest, action: {type: Keep}, mostRecentVersions: {keepCount: 5}}",
].join("\n");
const TAGS = Array.from({ length: 10 }, (_, i) => [`t${String(i + 1).padStart(2, "0")}`, 30 - 3 * i] as const);

/** Ten images, pushed three days apart. */
function registry() {
  const aged = new AgedRegistry();
  aged.images("team/app", Object.fromEntries(TAGS));
  return aged.builder.tree;
}

function commandsOf(...storage: string[]) {
  const args = ["--storage", ...storage, "--journal-dir", temporaryDirectory()];
  const run = (...command: string[]) => regcheck([...command, ...args], KEYS);
  return {
    journal: args.at(-1) ?? "",
    run,
    untag: (...more: string[]) => run("untag", "--policy", policyFile(POLICY), "--registry-stopped", ...more),
  };
}

function runIn(stdout: string): string {
  return /Run (\S+),/.exec(stdout)?.[1] ?? "";
}

/** By tag, whether it goes. */
function decisionsIn(stdout: string): Record<string, string> {
  const rows = stdout.matchAll(/^ *(goes|stays|–) +(t\d\d) /gm);
  return Object.fromEntries(Array.from(rows, ([, word = "", tag = ""]) => [tag, word === "–" ? "not judged" : word]));
}

function decided(old: string): Record<string, string> {
  return Object.fromEntries(TAGS.map(([tag], i) => [tag, i < 5 ? old : "stays"]));
}

describe("a tag that was put back is not the newest for a policy", () => {
  test("on a filesystem it has the age that it had", async () => {
    const directory = written(registry());
    const { run, untag } = commandsOf(directory);
    const link = path.join(directory, V2, "repositories/team/app/_manifests/tags/t01/current/link");
    const before = fs.statSync(link).mtimeMs;
    const { stdout } = await untag("--apply");
    expect(fs.existsSync(link)).toBe(false);
    expect(await run("restore", runIn(stdout))).toMatchObject({ exitCode: 0 });
    expect(fs.statSync(link).mtimeMs).toBe(before);
    expect(decisionsIn((await untag()).stdout)).toEqual(decided("goes"));
  });

  test("on a filesystem it has no age where an earlier version's journal does not tell it", async () => {
    const directory = written(registry());
    const { run, untag, journal } = commandsOf(directory);
    const runId = runIn((await untag("--apply")).stdout);
    const file = path.join(journal, `${runId}.ndjson`);
    fs.writeFileSync(file, fs.readFileSync(file, "utf8").replaceAll(/,"modified":\d+/g, ""));
    expect(await run("restore", runId)).toMatchObject({ exitCode: 0 });
    expect(decisionsIn((await untag()).stdout)).toEqual(decided("not judged"));
  });

  test.each([[[]], [["--quarantine"]]])(
    "in a bucket, with %j, which gives it the present time, it is not judged",
    async (more) => {
      const server = await startedServer();
      store(server, registry());
      const { run, untag } = commandsOf("s3://b", "--endpoint", server.endpoint);
      const { stdout } = await untag("--apply", ...more);
      expect(await run("restore", runIn(stdout))).toMatchObject({ exitCode: 0 });
      expect(decisionsIn((await untag()).stdout)).toEqual(decided("not judged"));
    },
  );

  test("in a bucket it is not judged where its manifest was swept and put back as well, just before it", async () => {
    const server = await startedServer();
    store(server, registry());
    const { run, untag } = commandsOf("s3://b", "--endpoint", server.endpoint);
    const untagged = await untag("--apply", "--quarantine");
    const sweep = ["--sweep", "--delete-untagged", "--quarantine", "--registry-stopped", "--max-delete", "100%"];
    const swept = await run(...sweep);
    for (const { stdout } of [swept, untagged]) expect(await run("restore", runIn(stdout))).toMatchObject({ exitCode: 0 });
    expect(decisionsIn((await untag()).stdout)).toEqual(decided("not judged"));
  });
});

test("a tag that was repaired with its manifest's link is not the newest for a policy", async () => {
  const tree = registry();
  const manifests = `${V2}/repositories/team/app/_manifests`;
  for (const [tag] of TAGS.slice(0, 5)) {
    const hex = (tree.text(`${manifests}/tags/${tag}/current/link`) ?? "").slice("sha256:".length);
    tree.write(`${manifests}/tags/${tag}/current/link`, "");
    tree.write(`${manifests}/revisions/sha256/${hex}/link`, "");
  }
  const { run, untag } = commandsOf(written(tree));
  const codes = ["revision-link-invalid", "tag-link-invalid"];
  const { exitCode, stdout } = await run("repair", ...codes, "--apply", "--registry-stopped");
  expect(exitCode, stdout).toBe(0);
  expect(decisionsIn((await untag()).stdout)).toEqual(decided("not judged"));
  expect(await run("restore", runIn(stdout), "--registry-stopped")).toMatchObject({ exitCode: 0 });
});

test("what a registry that was killed, or a console, has left in a tag's directory stays away, and the restore is whole", async () => {
  const tree = registry();
  const tag = `${V2}/repositories/team/app/_manifests/tags/t01`;
  tree.write(`${tag}/current/link.6b1ed7b2-9a0a-4c33-9a53-1d4ee4b0a5c5.tmp`, "sha");
  const directory = written(tree);
  const onDisk = commandsOf(directory);
  const onDiskRun = runIn((await onDisk.run("untag", "team/app:t01", "--registry-stopped")).stdout);
  expect(await onDisk.run("restore", onDiskRun)).toMatchObject({ exitCode: 0, stderr: "" });
  expect(fs.readdirSync(path.join(directory, tag, "current"))).toEqual(["link"]);

  const server = await startedServer();
  tree.write(`${tag}/current/`, "");
  store(server, tree);
  const inBucket = commandsOf("s3://b", "--endpoint", server.endpoint);
  const inBucketRun = runIn((await inBucket.run("untag", "team/app:t01", "--registry-stopped")).stdout);
  expect(await inBucket.run("restore", inBucketRun)).toMatchObject({ exitCode: 0, stderr: "" });
});
