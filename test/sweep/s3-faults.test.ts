import fs from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { V2 } from "../support/builder.js";
import { pullAll } from "../support/pullable.js";
import type { RegistryTree } from "../support/registry-tree.js";
import { retriesDuring, store } from "../support/s3-bucket.js";
import { startS3Server } from "../support/s3-server/index.js";
import type { Effect, Fault } from "../support/s3-server/index.js";
import { garbageRegistry, sweepOptions } from "../support/sweeping.js";
import { sweepBucket, treeOf } from "../support/sweeping-s3.js";
import { makeTemporaryDirectory, temporaryDirectory } from "../support/temporary.js";

const before = garbageRegistry(1);
const pullsOf = (tree: RegistryTree) => new Map([...pullAll(tree)].filter(([, content]) => content !== undefined));
const manifest =
  [...before.files].find(([file, { content }]) => file.includes("/blobs/") && content.includes("manifests"))?.[0] ?? "";

/** What is asked of the server, in the order in which a sweep with a quarantine asks it. */
const OPERATIONS: readonly {
  readonly what: string;
  readonly operation: string;
  readonly key?: string | RegExp;
  readonly skip?: number;
  readonly exits: readonly number[];
}[] = [
  { what: "the lock, looked for", operation: "HeadObject", key: "regcheck/lock", exits: [4] },
  { what: "the lock, written", operation: "PutObject", key: "regcheck/lock", exits: [4] },
  { what: "the lock, read again", operation: "GetObject", key: "regcheck/lock", exits: [4] },
  { what: "the lock's time", operation: "HeadObject", key: "regcheck/lock", skip: 1, exits: [4] },
  { what: "what regcheck keeps, for the report alone", operation: "ListObjectsV2", key: "regcheck/", exits: [0] },
  { what: "the list of blobs", operation: "ListObjectsV2", key: `${V2}/blobs/`, skip: 1, exits: [3] },
  { what: "the list of repositories", operation: "ListObjectsV2", key: `${V2}/repositories/`, skip: 1, exits: [3] },
  { what: "a manifest", operation: "GetObject", key: manifest, exits: [3] },
  { what: "the list of multipart uploads", operation: "ListMultipartUploads", exits: [3, 4] },
  { what: "the list of repositories, read again", operation: "ListObjectsV2", key: `${V2}/repositories/`, skip: 2, exits: [3] },
  { what: "whether it keeps versions", operation: "GetBucketVersioning", exits: [2, 3] },
  {
    what: "an object of the quarantine, looked for",
    operation: "HeadObject",
    key: /^(?:regcheck\/quarantine|docker)\//,
    exits: [5],
  },
  { what: "a copy", operation: "CopyObject", exits: [5] },
  { what: "deletes", operation: "DeleteObjects", exits: [5] },
  { what: "the end of a multipart upload", operation: "AbortMultipartUpload", exits: [5] },
];

const EFFECTS: Readonly<Record<string, Effect>> = {
  "403": { kind: "error", status: 403, code: "AccessDenied" },
  "404": { kind: "error", status: 404, code: "NoSuchBucket" },
  "500": { kind: "error", status: 500, code: "InternalError" },
  "503": { kind: "error", status: 503, code: "SlowDown" },
  "a time-out": { kind: "stall" },
  "a reset": { kind: "reset" },
  "a reset after the deed": { kind: "reset", applied: true },
  "a body cut off": { kind: "short-body", framing: "cut" },
  "a short body": { kind: "short-body", framing: "clean" },
  "a wrong body": { kind: "wrong-body" },
  "no such object": { kind: "error", status: 404, code: "NoSuchKey" },
};

/** Bodies say nothing in these answers, or the deed is what counts: the sweep may go on to its end. */
const BODILESS = new Set(["HeadObject", "PutObject", "AbortMultipartUpload"]);

async function sweepWith(fault: Fault | undefined) {
  const server = await startS3Server({ buckets: ["b"], region: "us-east-1" });
  store(server, before);
  server.startUpload("b", `${V2}/repositories/team/app-0/_uploads/multi/data`, new Date(0));
  const injected = fault === undefined ? undefined : server.inject(fault);
  const run = await sweepBucket(server, sweepOptions(temporaryDirectory(), { quarantine: true }), {
    retries: retriesDuring(fault?.effect, 2),
  });
  const after = treeOf(server);
  const removed = [...before.files.keys()].filter((file) => !after.files.has(file));
  await server.stop();
  return { ...run, removed, pulls: pullsOf(after), hits: injected?.hits() ?? 0 };
}

describe("a fault of the bucket that stays: less is removed, never anything else, and the exit code says so", () => {
  let whole: ReadonlySet<string>;
  let errors: number;

  beforeAll(async () => {
    const journal = makeTemporaryDirectory();
    const server = await startS3Server({ buckets: ["b"], region: "us-east-1" });
    store(server, before);
    const run = await sweepBucket(server, sweepOptions(journal));
    if (run.exitCode !== 0) throw new Error(run.why);
    errors = run.errors;
    const after = treeOf(server);
    whole = new Set([...before.files.keys()].filter((file) => !after.files.has(file)));
    await server.stop();
    fs.rmSync(journal, { recursive: true });
  });

  test.each(OPERATIONS)("$what ($operation)", async ({ operation, key, skip = 0, exits }) => {
    for (const [name, effect] of Object.entries(EFFECTS)) {
      const run = await sweepWith({
        operation,
        ...(key === undefined ? {} : { key }),
        skip,
        times: Number.POSITIVE_INFINITY,
        effect,
      });
      expect(run.hits, name).toBeGreaterThan(0);
      expect(
        run.removed.filter((file) => !whole.has(file)),
        name,
      ).toEqual([]);
      expect(run.pulls, name).toEqual(pullsOf(before));
      const isDone = run.removed.length === whole.size;
      const isHeld = run.exitCode === 0 && run.errors > errors;
      // An object that is gone already is no failure, and a HEAD says no more than that.
      const isGone = operation === "HeadObject" && (name === "404" || name === "no such object");
      const passes = isGone || (isDone && (BODILESS.has(operation) || name === "no such object"));
      expect(isHeld || passes ? [0, ...exits] : exits, `${name}: ${run.why}`).toContain(run.exitCode);
      expect(run.exitCode === 0 || run.exitCode === 5 ? [] : run.removed, name).toEqual([]);
    }
  });
});
