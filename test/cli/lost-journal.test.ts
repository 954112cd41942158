import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { listRuns } from "#regcheck/journal/read-run.js";
import { RegistryTree } from "../support/registry-tree.js";
import { regcheck } from "../support/run.js";
import { CREDENTIALS, startedServer, store } from "../support/s3-bucket.js";
import { contentOf, garbageRegistry } from "../support/sweeping.js";
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
    expect(fs.existsSync(path.join(directory, "regcheck"))).toBe(false);
    expect(fs.readdirSync(elsewhere)).toEqual([]);
    expect(await restore("--storage", directory)).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/no copy of it.*restored or purged\n$/) as unknown,
    });
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
    expect(fs.existsSync(path.join(directory, "regcheck"))).toBe(false);
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
