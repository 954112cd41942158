import crypto from "node:crypto";
import { describe, expect, test } from "vitest";
import { listRuns, readRun } from "#regcheck/journal/read-run.js";
import { restoreObjects } from "#regcheck/undo/restore.js";
import { blobFile, RegistryBuilder } from "../support/builder.js";
import { LONG_AGO } from "../support/registry-tree.js";
import { regcheck } from "../support/run.js";
import { CREDENTIALS, setVersioning, startedServer, store } from "../support/s3-bucket.js";
import type { S3Server } from "../support/s3-server/index.js";
import { contentOf, garbageRegistry, sweepOptions } from "../support/sweeping.js";
import { changesOf, sweepBucket, treeOf } from "../support/sweeping-s3.js";
import { sweepEverything } from "../support/system-calls.js";
import { temporaryDirectory } from "../support/temporary.js";

const KEYS = { AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId, AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey };

const suspended = () => startedServer({ buckets: [{ name: "b", versioned: "suspended" }] });

/** A delete there answers with a marker, which has taken the place of the object. */
describe("in a bucket whose versioning is suspended", () => {
  const runOn =
    (server: S3Server) =>
    (...args: string[]) =>
      regcheck([...args, "--endpoint", server.endpoint, "--region", "us-east-1"], KEYS);

  test("a sweep that deletes promises nothing, and restore says that there is nothing to restore from", async () => {
    const server = await suspended();
    store(server, garbageRegistry(1));
    const journal = temporaryDirectory();
    const run = runOn(server);
    const swept = await run(...sweepEverything("s3://b", journal));
    expect(swept).toMatchObject({ exitCode: 0, stderr: "" });
    expect(swept.stdout).toContain("Removed: ");
    expect(swept.stdout).not.toMatch(/older versions|regcheck restore/);
    const [runId = ""] = listRuns(journal);
    expect(await run("restore", runId, "--journal-dir", journal)).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining("deleted for good: there is nothing to restore from") as unknown,
    });
  });

  test("a sweep with a quarantine says how it is undone, and is", async () => {
    const before = garbageRegistry(1);
    const server = await suspended();
    store(server, before);
    const journal = temporaryDirectory();
    const run = runOn(server);
    const swept = await run(...sweepEverything("s3://b", journal, "--quarantine"));
    expect(swept.stdout).toMatch(/Undo it with regcheck restore/);
    expect(swept.stdout).not.toContain("older versions");
    const [runId = ""] = listRuns(journal);
    expect(await run("restore", runId, "--journal-dir", journal)).toMatchObject({ exitCode: 0, stderr: "" });
    expect(contentOf(treeOf(server))).toEqual(contentOf(before));
  });

  test.each(["Suspended", "Enabled"] as const)(
    "an untag is undone, whether its tags were pushed while it was %s",
    async (then) => {
      const builder = new RegistryBuilder();
      const app = builder.repository("team/app");
      app.tag("latest", app.image({ layers: ["a layer"], tag: "1" }).digest);
      const server = await suspended();
      await setVersioning(server, then);
      store(server, builder.tree);
      await setVersioning(server, "Suspended");
      const run = runOn(server);
      const journal = ["--journal-dir", temporaryDirectory()];
      const untagged = await run("untag", "team/app:latest", "--storage", "s3://b", "--registry-stopped", ...journal);
      expect(untagged).toMatchObject({ exitCode: 0, stderr: "" });
      expect(untagged.stdout).not.toContain("older versions");
      expect([...treeOf(server).files.keys()].filter((file) => file.includes("/tags/latest/"))).toEqual([]);
      const restored = await run("restore", /Run (\S+),/.exec(untagged.stdout)?.[1] ?? "", ...journal);
      expect(restored).toMatchObject({ exitCode: 0, stderr: "" });
      expect(contentOf(treeOf(server))).toEqual(contentOf(builder.tree));
    },
  );

  test("what was pushed while versions were kept comes back all the same; of the rest it is said that it is gone", async () => {
    const before = garbageRegistry(1);
    const late = blobFile(`sha256:${crypto.hash("sha256", "nobody's 0")}`);
    before.remove(late);
    const server = await startedServer({ buckets: [{ name: "b", versioned: true }] });
    store(server, before);
    await setVersioning(server, "Suspended");
    server.put("b", late, "nobody's 0", { modified: new Date(LONG_AGO * 1000) });
    const journal = temporaryDirectory();
    expect(await sweepBucket(server, sweepOptions(journal))).toMatchObject({ exitCode: 0 });
    const { problems } = await restoreObjects(readRun(journal, listRuns(journal)[0] ?? ""), changesOf(server));
    expect(problems).toEqual([{ path: late, cause: expect.stringContaining("keeps no version of it") as unknown }]);
    expect(contentOf(treeOf(server))).toEqual(contentOf(before));
  });
});
