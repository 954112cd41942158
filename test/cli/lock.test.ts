import fs from "node:fs";
import path from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, test } from "vitest";
import { brokenRegistry } from "../support/repairing.js";
import { listRuns } from "#regcheck/journal/read-run.js";
import { regcheck } from "../support/run.js";
import { CREDENTIALS, startedServer, store } from "../support/s3-bucket.js";
import type { S3Server } from "../support/s3-server/index.js";
import { garbageRegistry } from "../support/sweeping.js";
import { sweepEverything } from "../support/system-calls.js";
import { temporaryDirectory } from "../support/temporary.js";

const KEYS = { AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId, AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey };

async function filled(): Promise<S3Server> {
  const server = await startedServer();
  store(server, garbageRegistry(1));
  return server;
}

describe("a lock that cannot be removed at the end", () => {
  test("hides nothing of what a sweep, a restore and a purge did; the cause is named", async () => {
    const server = await filled();
    const journal = temporaryDirectory();
    const at = ["--endpoint", server.endpoint];
    const denied = server.inject({
      operation: "DeleteObject",
      key: "regcheck/lock",
      times: Infinity,
      effect: { kind: "error", status: 403, code: "AccessDenied" },
    });
    const sweep = (...args: string[]) => regcheck(sweepEverything("s3://b", journal, "--quarantine", ...at, ...args), KEYS);
    const swept = await sweep("--format", "json");
    expect(JSON.parse(swept.stdout)).toMatchObject({
      exitCode: 5,
      lockLeft: expect.stringMatching(/AccessDenied.*s3:\/\/b/) as unknown,
      sweep: { runId: listRuns(journal)[0] },
    });
    expect(swept.stdout).not.toContain('"stopped"');
    const left = expect.stringMatching(
      /^regcheck: the \w+ has come to its end, but its lock is still there \(.*AccessDenied/,
    ) as unknown;
    expect(swept).toMatchObject({ exitCode: 5, stderr: left });
    const [runId = ""] = listRuns(journal);
    for (const [command, said] of [
      ["restore", /^\d+ objects restored/],
      ["purge", /^\S+: 0 objects purged/],
    ] as const) {
      server.remove("b", "regcheck/lock");
      const run = await regcheck([command, runId, "--journal-dir", journal, ...at], KEYS);
      expect(run).toMatchObject({ exitCode: 5, stdout: expect.stringMatching(said) as unknown, stderr: left });
    }
    denied.remove();
    expect(await sweep()).toMatchObject({
      exitCode: 4,
      stderr: expect.stringContaining("not running any more on this host") as unknown,
    });
  });

  test.each([
    ["repair", "repair", brokenRegistry, ["repair", "layer-link-missing", "--storage", "s3://b"]],
    [
      "untag --policy",
      "untag",
      garbageRegistry,
      ["untag", "--policy", "POLICY", "s3://b", "--allow-empty", "--max-untag", "100%"],
    ],
  ] as const)("is in the JSON of %s, as its schema says", async (_, layer, tree, words) => {
    const server = await startedServer();
    store(server, tree(1));
    const effect = { kind: "error", status: 403, code: "AccessDenied" } as const;
    server.inject({ operation: "DeleteObject", key: "regcheck/lock", times: Infinity, effect });
    const policy = path.join(temporaryDirectory(), "policy.yaml");
    fs.writeFileSync(policy, "- {name: old, action: {type: Delete}, condition: {olderThan: 7d}}\n");
    const args = words.map((word) => (word === "POLICY" ? policy : word));
    const recorded = ["--registry-stopped", "--journal-dir", temporaryDirectory(), "--endpoint", server.endpoint];
    const { exitCode, stdout } = await regcheck([...args, ...recorded, "--apply", "--format", "json"], KEYS);
    const told = JSON.parse(stdout) as object;
    expect(exitCode).toBe(5);
    expect(told).toMatchObject({ exitCode: 5, lockLeft: expect.stringMatching(/AccessDenied.*s3:\/\/b/) as unknown });
    const file = path.resolve(import.meta.dirname, `../../src/${layer}/${layer}.schema.json`);
    const ajv = new Ajv2020({ strict: true, strictTypes: false, formats: { "date-time": true } });
    expect(ajv.validate(JSON.parse(fs.readFileSync(file, "utf8")) as object, told), ajv.errorsText()).toBe(true);
  });
});
