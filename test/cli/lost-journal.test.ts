import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { setTimeout } from "node:timers/promises";
import { DeleteObjectCommand, ListObjectVersionsCommand, S3Client } from "@aws-sdk/client-s3";
import { describe, expect, test } from "vitest";
import { listRuns } from "#regcheck/journal/read-run.js";
import { RegistryBuilder, V2 } from "../support/builder.js";
import { RegistryTree } from "../support/registry-tree.js";
import { regcheck } from "../support/run.js";
import { CREDENTIALS, startedServer, store } from "../support/s3-bucket.js";
import type { S3Server } from "../support/s3-server/index.js";
import { contentOf, garbageRegistry, leftIn } from "../support/sweeping.js";
import { treeOf } from "../support/sweeping-s3.js";
import { sweepEverything } from "../support/system-calls.js";
import { temporaryDirectory, written } from "../support/temporary.js";

const KEYS = { AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId, AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey };

async function quarantined() {
  const before = garbageRegistry(1);
  const directory = written(before);
  const journal = temporaryDirectory();
  expect(await regcheck(sweepEverything(directory, journal, "--quarantine"))).toMatchObject({ exitCode: 0 });
  const [runId = ""] = listRuns(journal);
  return { before, directory, journal, runId };
}

describe("a run whose journal is lost", () => {
  test("is restored by the copy in its quarantine; nothing is left of either", async () => {
    const { before, directory, runId } = await quarantined();
    const elsewhere = temporaryDirectory();
    const restore = (...more: string[]) => regcheck(["restore", runId, "--journal-dir", elsewhere, ...more]);
    expect(await restore()).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("--storage") as unknown });
    const dry = await restore("--storage", directory, "--dry-run");
    expect(dry).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^\d\d objects would be restored/) as unknown });
    const run = await restore("--storage", directory, "--format", "json");
    expect(JSON.parse(run.stdout)).toMatchObject({ runId, dryRun: false, problems: [], exitCode: 0 });
    expect(contentOf(RegistryTree.readFrom(directory))).toEqual(contentOf(before));
    expect(leftIn(directory)).toEqual([]);
    expect(fs.readdirSync(elsewhere)).toEqual([]);
    expect(await restore("--storage", directory)).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/no copy of it.*restored or purged\n$/) as unknown,
    });
  });

  test.each(["purge", "restore"])("leaves nothing after %s, though it was killed while it stored a part", async (command) => {
    const { directory, journal, runId } = await quarantined();
    const kept = path.join(directory, "regcheck/quarantine", runId, "journal");
    fs.writeFileSync(path.join(kept, `00000001.ndjson.${crypto.randomUUID()}.tmp`), "{");
    for (const more of [["--dry-run"], []])
      expect(await regcheck([command, runId, "--journal-dir", journal, ...more])).toMatchObject({ exitCode: 0, stderr: "" });
    expect(leftIn(directory)).toEqual([]);
  });

  test("never was, where the run was killed while it stored the first part: it is no run, and its rest can be purged", async () => {
    const directory = written(garbageRegistry(1));
    const kept = path.join(directory, "regcheck/quarantine/20200101T000000000Z-abc/journal");
    fs.mkdirSync(kept, { recursive: true });
    fs.writeFileSync(path.join(kept, `00000000.ndjson.${crypto.randomUUID()}.tmp`), "{");
    const elsewhere = ["--journal-dir", temporaryDirectory()];
    expect(await regcheck(["runs", directory, ...elsewhere])).toMatchObject({ exitCode: 0, stderr: "" });
    for (const more of [["--dry-run"], []])
      expect(await regcheck(["purge", "--older-than", "7d", "--storage", directory, ...elsewhere, ...more])).toMatchObject({
        exitCode: 0,
        stderr: "",
      });
    expect(leftIn(directory)).toEqual([]);
  });

  test("is restored on S3 as well", async () => {
    const before = garbageRegistry(1);
    const server = await startedServer();
    store(server, before);
    const journal = temporaryDirectory();
    const at = ["--endpoint", server.endpoint];
    await regcheck(sweepEverything("s3://b", journal, "--quarantine", ...at), KEYS);
    const [runId = ""] = listRuns(journal);
    const args = ["restore", runId, "--storage", "s3://b", "--journal-dir", temporaryDirectory(), ...at];
    expect(await regcheck(args, KEYS)).toMatchObject({ exitCode: 0, stderr: "" });
    expect(contentOf(treeOf(server))).toEqual(contentOf(before));
    expect([...server.objects("b").keys()].filter((key) => key.startsWith("regcheck/"))).toEqual([]);
  });

  test("is damaged: it is named by where it is kept", async () => {
    const { directory, runId } = await quarantined();
    const kept = `regcheck/quarantine/${runId}/journal`;
    const [first = ""] = fs.readdirSync(path.join(directory, kept));
    const lines = fs.readFileSync(path.join(directory, kept, first), "utf8").split("\n");
    lines[1] = "{";
    fs.writeFileSync(path.join(directory, kept, first), lines.join("\n"));
    expect(await regcheck(["restore", runId, "--storage", directory, "--journal-dir", temporaryDirectory()])).toMatchObject({
      exitCode: 2,
      stderr: `regcheck: ${kept}:2: the journal is damaged here: expected a JSON object\n`,
    });
  });

  test("can be purged", async () => {
    const { directory, runId } = await quarantined();
    const run = await regcheck([
      "purge",
      runId,
      "--storage",
      directory,
      "--journal-dir",
      temporaryDirectory(),
      "--format",
      "json",
    ]);
    expect(JSON.parse(run.stdout)).toMatchObject({ dryRun: false, runs: [{ runId, problems: [] }], exitCode: 0 });
    expect(leftIn(directory)).toEqual([]);
  });
});

describe("a run of a bucket that keeps versions, whose journal is lost", () => {
  async function swept() {
    const before = garbageRegistry(1);
    const server = await startedServer({ buckets: [{ name: "b", versioned: true }] });
    store(server, before);
    const journal = temporaryDirectory();
    const at = ["--endpoint", server.endpoint];
    expect(await regcheck(sweepEverything("s3://b", journal, "--quarantine", ...at), KEYS)).toMatchObject({ exitCode: 0 });
    const [runId = ""] = listRuns(journal);
    const own = () => [...server.objects("b").keys()].filter((key) => key.startsWith("regcheck/"));
    return { before, server, runId, own, elsewhere: ["--journal-dir", temporaryDirectory(), ...at] };
  }

  test("is listed, and restored by the copy in the bucket, of which nothing is left then", async () => {
    const { before, server, runId, own, elsewhere } = await swept();
    const runs = await regcheck(["runs", "s3://b", ...elsewhere], KEYS);
    expect(runs.stdout).toMatch(new RegExp(`^${runId} .* sweep +swept, kept as older versions$`, "m"));
    const report = await regcheck(["s3://b", "--endpoint", server.endpoint, "--format", "json", "--fail-on", "never"], KEYS);
    expect(JSON.parse(report.stdout)).toMatchObject({ quarantine: { runs: 0 } });
    const restore = (...more: string[]) => regcheck(["restore", runId, "--storage", "s3://b", ...elsewhere, ...more], KEYS);
    const dry = await restore("--dry-run", "--format", "json");
    const run = await restore("--format", "json");
    const { restored } = JSON.parse(run.stdout) as { restored: number };
    expect(JSON.parse(dry.stdout)).toMatchObject({ restored, problems: [], exitCode: 0 });
    expect(run).toMatchObject({ exitCode: 0, stderr: "" });
    expect(contentOf(treeOf(server))).toEqual(contentOf(before));
    expect(own()).toEqual([]);
  });

  test("stays until its versions have expired; purge --older-than takes what is left of it then", async () => {
    const { server, own, elsewhere } = await swept();
    const purge = () => regcheck(["purge", "--older-than", "0", "--storage", "s3://b", ...elsewhere], KEYS);
    expect(await purge()).toEqual({ exitCode: 0, stdout: "0 runs purged\n", stderr: "" });
    expect(own()).not.toEqual([]);
    await expire(server);
    expect(await purge()).toEqual({ exitCode: 0, stdout: "0 runs purged\n", stderr: "" });
    expect(own()).toEqual([]);
  });

  test("whether its versions have expired is asked under the lock", async () => {
    const { server, runId, own, elsewhere } = await swept();
    await expire(server);
    const before = server.log.length;
    await regcheck(["purge", "--older-than", "0", "--storage", "s3://b", ...elsewhere], KEYS);
    const log = server.log.slice(before);
    const locked = log.findIndex(({ operation, key }) => operation === "PutObject" && key === "regcheck/lock");
    const asked = log.findLastIndex(
      ({ operation, prefix = "" }) => operation === "ListObjectVersions" && prefix.startsWith("docker/"),
    );
    const emptied = log.findIndex(({ keys }) => keys.some((key) => key.includes(`${runId}/journal/`)));
    expect(locked).toBeGreaterThan(0);
    expect(asked).toBeGreaterThan(locked);
    expect(emptied).toBeGreaterThan(asked);
    expect(own()).toEqual([]);
  });
});

test.each([
  ["ahead of this host's", 600_000],
  ["behind this host's", -600_000],
])(
  "a bucket that keeps versions, whose clock is %s: a run is restored, and what was removed after it stays away",
  async (_, ahead) => {
    const registry = new RegistryBuilder();
    registry.repository("app").image({ layers: ["one"], tag: "latest" });
    registry.repository("app").image({ layers: ["one"], tag: "other" });
    const server = await startedServer({ buckets: [{ name: "b", versioned: true, ahead }] });
    for (const [file, { content }] of registry.tree.files) server.put("b", file, content);
    const run = (...args: string[]) => regcheck([...args, "--endpoint", server.endpoint], KEYS);
    const journal = temporaryDirectory();
    const tags = ["app:latest", "app:other"];
    const change = ["--storage", "s3://b", "--registry-stopped", "--quarantine", "--journal-dir", journal];
    expect(await run("untag", ...tags, ...change)).toMatchObject({ exitCode: 0, stderr: "" });
    // Pushed and untagged since, by others.
    const other = `${V2}/repositories/app/_manifests/tags/other/current/link`;
    await setTimeout(1100);
    server.put("b", other, registry.tree.files.get(other)?.content ?? "");
    server.remove("b", other);
    const [runId = ""] = listRuns(journal);
    const restored = await run("restore", runId, "--storage", "s3://b", "--journal-dir", temporaryDirectory());
    expect(restored).toMatchObject({
      exitCode: 5,
      stderr: expect.stringMatching(/^regcheck: \S+other\/current\/link: it is still hidden: .*\n$/) as unknown,
    });
    expect([...server.objects("b").keys()].filter((key) => !key.startsWith("regcheck/"))).toEqual(
      [...registry.tree.files.keys()].filter((file) => file !== other).sort(),
    );
  },
);

/** What a lifecycle rule does to noncurrent versions. */
async function expire(server: S3Server): Promise<void> {
  const client = new S3Client({
    endpoint: server.endpoint,
    region: "us-east-1",
    forcePathStyle: true,
    credentials: CREDENTIALS,
  });
  const { Versions = [] } = await client.send(new ListObjectVersionsCommand({ Bucket: "b" }));
  for (const { Key, VersionId, IsLatest } of Versions)
    if (IsLatest !== true) await client.send(new DeleteObjectCommand({ Bucket: "b", Key, VersionId }));
  client.destroy();
}

test("purge --older-than of a named storage empties runs of which only the storage knows", async () => {
  const { directory, journal, runId } = await quarantined();
  const purge = (...more: string[]) =>
    regcheck(["purge", "--storage", directory, "--journal-dir", temporaryDirectory(), "--older-than", ...more]);
  expect(await purge("7d")).toEqual({ exitCode: 0, stdout: "0 runs purged\n", stderr: "" });
  const dry = await purge("0", "--dry-run");
  expect(dry.stdout).toMatch(new RegExp(`^${runId}: \\d\\d objects would be purged, .*\n1 run would be purged\n`));
  // Even a run that has neither has its date in its name.
  fs.rmSync(path.join(directory, "regcheck/quarantine", runId, "journal"), { recursive: true });
  const run = await purge("0");
  expect(run).toMatchObject({ exitCode: 0, stderr: "" });
  expect(run.stdout).toMatch(new RegExp(`^${runId}: \\d\\d objects purged, .*\n1 run purged\n$`));
  expect(leftIn(directory)).toEqual([]);
  expect(await regcheck(["purge", "--older-than", "0", "--journal-dir", journal])).toMatchObject({ stdout: "0 runs purged\n" });
});

describe("purge --older-than, with a storage that is named,", () => {
  const purgeAt = (directory: string, journal: string, ...more: string[]) =>
    regcheck(["purge", "--older-than", "0", "--storage", directory, "--journal-dir", journal, ...more]);

  test("empties a run whose journal knows the storage by another path", async () => {
    const { directory, journal, runId } = await quarantined();
    const moved = `${directory}-moved`;
    fs.renameSync(directory, moved);
    expect((await purgeAt(moved, journal)).stdout).toMatch(new RegExp(`^${runId}: \\d\\d objects purged, .*\n1 run purged\n$`));
    expect(leftIn(moved)).toEqual([]);
    fs.rmSync(moved, { recursive: true });
  });

  test("removes the copy of a journal that nothing else is with", async () => {
    const { directory, runId } = await quarantined();
    fs.rmSync(path.join(directory, "regcheck/quarantine", runId, "docker"), { recursive: true });
    expect(await purgeAt(directory, temporaryDirectory())).toMatchObject({ exitCode: 0 });
    expect(leftIn(directory)).toEqual([]);
  });

  test("goes on after a copy that cannot be read", async () => {
    const { directory, runId } = await quarantined();
    const quarantine = path.join(directory, "regcheck/quarantine");
    const damaged = runId.replace(/^\d{4}/, "2020");
    fs.cpSync(path.join(quarantine, runId), path.join(quarantine, damaged), { recursive: true });
    const copy = fs.readdirSync(path.join(quarantine, damaged, "journal"))[0] ?? "";
    fs.writeFileSync(path.join(quarantine, damaged, "journal", copy), '{"event":"begin"');
    const { stdout } = await purgeAt(directory, temporaryDirectory());
    expect(stdout).toContain(`${runId}: `);
    expect(fs.existsSync(path.join(quarantine, runId))).toBe(false);
  });

  test("has the exit code of a run that is refused when it is dry, whatever there is to purge", async () => {
    const { directory, journal } = await quarantined();
    fs.writeFileSync(path.join(directory, "regcheck/lock"), JSON.stringify({ host: "another", pid: 1, work: "sweep" }));
    const real = await purgeAt(directory, journal);
    const dry = await purgeAt(directory, journal, "--dry-run");
    expect([dry.exitCode, real.exitCode]).toEqual([4, 4]);
  });
});

test("restoring a run that was purged says so in one line; --quiet says nothing of what went well", async () => {
  const { journal, runId } = await quarantined();
  expect(await regcheck(["purge", runId, "--journal-dir", journal, "--quiet"])).toEqual({ exitCode: 0, stdout: "", stderr: "" });
  for (const more of [[], ["--dry-run"]])
    expect(await regcheck(["restore", runId, "--journal-dir", journal, ...more])).toEqual({
      exitCode: 2,
      stdout: "",
      stderr: expect.stringMatching(/^regcheck: run \S+ was purged at \S+: what it took is gone for good\n$/) as unknown,
    });
});
