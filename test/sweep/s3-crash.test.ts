import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { listRuns, readRun } from "#regcheck/journal/read-run.js";
import { restoreObjects } from "#regcheck/undo/restore.js";
import { V2 } from "../support/builder.js";
import { pullAll } from "../support/pullable.js";
import type { RegistryTree } from "../support/registry-tree.js";
import { startedServer, store } from "../support/s3-bucket.js";
import type { S3Server } from "../support/s3-server/index.js";
import { contentOf, garbageRegistry, sweepOptions } from "../support/sweeping.js";
import { changesOf, sweepBucket, treeOf } from "../support/sweeping-s3.js";
import { regcheckWith, sweepEverything } from "../support/system-calls.js";
import { temporaryDirectory } from "../support/temporary.js";

const MAIN = path.resolve(import.meta.dirname, "../../dist/cli/main.js");
const CREDENTIALS = { AWS_ACCESS_KEY_ID: "AK", AWS_SECRET_ACCESS_KEY: "SK", AWS_REGION: "us-east-1" };
const before = garbageRegistry(1);

const pullsOf = (tree: RegistryTree) => new Map([...pullAll(tree)].filter(([, content]) => content !== undefined));

async function bucket(versioned: boolean) {
  const server = await startedServer({ buckets: [{ name: "b", versioned }] });
  store(server, before);
  server.startUpload("b", `${V2}/repositories/team/app-0/_uploads/multi/data`, new Date(0));
  return server;
}

function argumentsFor(server: S3Server, journal: string, quarantine: boolean): string[] {
  return sweepEverything("s3://b", journal, "--endpoint", server.endpoint, ...(quarantine ? ["--quarantine"] : []));
}

/** Runs a sweep and kills it when the server has got a request that it never answers. Returns whether it came to that. */
async function killedAtRequest(server: S3Server, args: readonly string[], operation: string, skip: number): Promise<boolean> {
  const stalled = server.inject({ operation, skip, times: Number.POSITIVE_INFINITY, effect: { kind: "stall" } });
  const child = spawn(process.execPath, [MAIN, ...args], { env: { PATH: process.env["PATH"], ...CREDENTIALS }, stdio: "ignore" });
  const ended = once(child, "close");
  while (child.exitCode === null && child.signalCode === null && stalled.hits() === 0)
    await new Promise((resolve) => setTimeout(resolve, 5));
  child.kill("SIGKILL");
  await ended;
  stalled.remove();
  return child.signalCode === "SIGKILL";
}

const MODES = [
  { mode: "deletes", versioned: false, quarantine: false },
  { mode: "moves", versioned: false, quarantine: true },
  { mode: "hides behind versions", versioned: true, quarantine: true },
] as const;

describe.each(MODES)("a sweep that $mode, killed by SIGKILL", ({ versioned, quarantine }) => {
  const options = (journal: string) => sweepOptions(journal, { quarantine });

  /** After a kill: pulls are whole, a second run finishes, and all that was not deleted for good comes back. */
  async function recovers(server: S3Server, journal: string, when: string): Promise<void> {
    expect(pullsOf(treeOf(server)), when).toEqual(pullsOf(before));
    const changes = changesOf(server);
    // The operator removes the stale lock, as the message says.
    await changes.remove(["regcheck/lock"]);
    expect(await sweepBucket(server, options(journal)), when).toMatchObject({ exitCode: 0 });
    const whole = await bucket(versioned);
    await sweepBucket(whole, options(temporaryDirectory()));
    expect(contentOf(treeOf(server)), when).toEqual(contentOf(treeOf(whole)));
    expect([...server.uploads("b")], when).toEqual([]);
    for (const runId of quarantine ? listRuns(journal).toReversed() : []) {
      const { problems } = await restoreObjects(readRun(journal, runId), changes);
      expect(problems, when).toEqual([]);
    }
    expect(contentOf(treeOf(server)), when).toEqual(contentOf(quarantine ? before : treeOf(whole)));
  }

  test.each(["PutObject", "GetBucketVersioning", "CopyObject", "DeleteObjects", "AbortMultipartUpload"])(
    "before and after requests of the kind %s",
    { timeout: 120_000 },
    async (operation) => {
      let kills = 0;
      for (const skip of [0, 1, 4, 7, 30]) {
        const server = await bucket(versioned);
        const journal = temporaryDirectory();
        if (!(await killedAtRequest(server, argumentsFor(server, journal, quarantine), operation, skip))) break;
        kills++;
        await recovers(server, journal, `${operation} ${skip}`);
      }
      const never = operation === "CopyObject" ? versioned || !quarantine : operation === "GetBucketVersioning" && !quarantine;
      expect(kills > 0).toBe(!never);
    },
  );

  test("before and after changes to the journal", { timeout: 120_000 }, async () => {
    let points = 16;
    for (let point = 0; point < points; point += Math.max(1, Math.floor(points / 5))) {
      const server = await bucket(versioned);
      const journal = temporaryDirectory();
      const args = argumentsFor(server, journal, quarantine);
      if (point === 0) {
        const counting = await bucket(versioned);
        const count = { kill: -1, root: journal };
        points = (await regcheckWith(count, argumentsFor(counting, journal, quarantine), CREDENTIALS)).points;
      }
      const killedJournal = temporaryDirectory();
      const { exitCode } = await regcheckWith(
        { kill: point, root: killedJournal },
        args.map((argument) => (argument === journal ? killedJournal : argument)),
        CREDENTIALS,
      );
      expect(exitCode, `point ${point}`).toBeNull();
      await recovers(server, killedJournal, `point ${point} of ${points}`);
    }
    expect(points).toBeGreaterThan(16);
  });
});
