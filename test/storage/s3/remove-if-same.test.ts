import { describe, expect, onTestFinished, test } from "vitest";
import { BucketWriter } from "#regcheck/storage/s3/bucket-writer.js";
import { removeIfSame } from "#regcheck/storage/s3/remove-if-same.js";
import { CREDENTIALS, optionsFor, startedServer } from "../../support/s3-bucket.js";
import { clientOf } from "../../support/s3-server/contract.js";
import { ListObjectVersionsCommand } from "@aws-sdk/client-s3";
import type { BucketOptions, Effect, S3Server } from "../../support/s3-server/index.js";
import { wrapped } from "../../support/wrapped.js";

const KEY = "regcheck/lock";
const OURS = Buffer.from("lock of A");
const DENIED: Effect = { kind: "error", status: 403, code: "AccessDenied" };

async function locked(bucketOptions: Partial<BucketOptions> = {}) {
  const server = await startedServer({ buckets: [{ name: "b", ...bucketOptions }] });
  const bucket = new BucketWriter(optionsFor(server));
  onTestFinished(() => bucket.close());
  server.put("b", KEY, OURS);
  return { server, bucket };
}

const lockIn = (server: S3Server): string | undefined => server.objects("b").get(KEY)?.toString();

/** How many versions and delete markers there are. */
async function versionsIn(server: S3Server): Promise<number> {
  const client = clientOf({ endpoint: server.endpoint, ...CREDENTIALS });
  const { Versions = [], DeleteMarkers = [] } = await client.send(new ListObjectVersionsCommand({ Bucket: "b" }));
  client.destroy();
  return Versions.length + DeleteMarkers.length;
}

describe.each([true, false])("in a bucket with versions: %s", (versioned) => {
  test("ours goes, and nothing of it stays", async () => {
    const { server, bucket } = await locked({ versioned });
    expect(await removeIfSame(bucket, KEY, OURS)).toEqual({ status: "done" });
    expect(await versionsIn(server)).toBe(0);
  });

  test("the lock of another run stays, whenever it takes the place of ours", async () => {
    for (const when of ["get", "delete", "deleteMatching"] as const) {
      const { server, bucket } = await locked({ versioned });
      let isTaken = false;
      /** An operator's unlock, and the next run. */
      const overtaken = wrapped(bucket, {
        [when]: async (...args: never[]) => {
          if (!isTaken) server.remove("b", KEY);
          if (!isTaken) server.put("b", KEY, "lock of B");
          isTaken = true;
          return (bucket[when] as (...given: never[]) => Promise<unknown>)(...args);
        },
      });
      const removed = await removeIfSame(overtaken, KEY, OURS);
      expect(lockIn(server), when).toBe(isTaken ? "lock of B" : undefined);
      expect(["done", "changed"]).toContain(removed.status);
    }
  });

  test("the next run that locks when ours is gone keeps its lock", async () => {
    const { server, bucket } = await locked({ versioned });
    const followed = wrapped(bucket, {
      delete: async (doomed) => {
        const deletions = await bucket.delete(doomed);
        server.put("b", KEY, "lock of B");
        return deletions;
      },
      deleteMatching: async (key, etag) => {
        const isGone = await bucket.deleteMatching(key, etag);
        server.put("b", KEY, "lock of B");
        return isGone;
      },
    });
    expect(await removeIfSame(followed, KEY, OURS)).toEqual({ status: "done" });
    expect(lockIn(server)).toBe("lock of B");
  });

  test("a reply that is lost after the deed is ours all the same", async () => {
    const { server, bucket } = await locked({ versioned });
    for (const operation of ["DeleteObject", "DeleteObjects"])
      server.inject({ operation, effect: { kind: "reset", applied: true } });
    expect(await removeIfSame(bucket, KEY, OURS)).toEqual({ status: "done" });
    expect(lockIn(server)).toBeUndefined();
  });
});

test("older versions and delete markers go with it, and none of them is seen in between", async () => {
  const { server, bucket } = await locked({ versioned: true });
  server.remove("b", KEY);
  server.put("b", KEY, "an older lock");
  server.put("b", KEY, OURS);
  const seen: (string | undefined)[] = [];
  const watched = wrapped(bucket, {
    delete: async (doomed) => {
      const deletions = await bucket.delete(doomed);
      seen.push(lockIn(server));
      return deletions;
    },
  });
  expect(await removeIfSame(watched, KEY, OURS)).toEqual({ status: "done" });
  expect(seen).toEqual([OURS.toString(), undefined]);
  expect(await versionsIn(server)).toBe(0);
});

test.each(["ListObjectVersions", "DeleteObjects"])("where %s is denied, it is hidden if it is still ours", async (operation) => {
  const { server, bucket } = await locked({ versioned: true });
  server.inject({ operation, key: operation === "DeleteObjects" ? KEY : /^/, times: Infinity, effect: DENIED });
  expect(await removeIfSame(bucket, KEY, OURS)).toEqual({ status: "done" });
  expect(lockIn(server)).toBeUndefined();
  server.put("b", KEY, "lock of B");
  expect(await removeIfSame(bucket, KEY, OURS)).toEqual({ status: "changed" });
  expect(lockIn(server)).toBe("lock of B");
});

test("a server that does not know conditions deletes without", async () => {
  const { server, bucket } = await locked();
  server.inject({ operation: "DeleteObject", times: 1, effect: { kind: "error", status: 501, code: "NotImplemented" } });
  expect(await removeIfSame(bucket, KEY, OURS)).toEqual({ status: "done" });
  expect(lockIn(server)).toBeUndefined();
});
