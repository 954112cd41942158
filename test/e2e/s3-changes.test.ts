import crypto from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import pLimit from "p-limit";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { S3Changes } from "#regcheck/storage/s3/changes.js";
import { DEFAULT_RETRIES } from "#regcheck/storage/s3/options.js";
import { S3Storage } from "#regcheck/storage/s3/s3.js";
import { optionsFor } from "../support/s3-bucket.js";
import { clientOf } from "../support/s3-server/contract.js";
import { Radosgw } from "./support/radosgw.js";
import { createSuspended } from "./support/suspended.js";

process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] = "true";

const base = fs.mkdtempSync(path.join(os.tmpdir(), "regcheck-e2e-s3-changes-"));
let gateway: Radosgw;
let buckets = 0;

beforeAll(async () => {
  gateway = await Radosgw.start(base);
});

afterAll(async () => {
  await gateway.stop();
  fs.rmSync(base, { recursive: true, force: true });
});

/** A bucket with these objects, each of which holds its own name. */
async function bucketOf(keys: readonly string[], versioned = false) {
  const client = clientOf(gateway.target);
  const Bucket = `changes-${++buckets}`;
  await client.send(new CreateBucketCommand({ Bucket }));
  if (versioned) await client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: "Enabled" } }));
  const limit = pLimit(16);
  const put = (Key: string) => client.send(new PutObjectCommand({ Bucket, Key, Body: Key }));
  await Promise.all(keys.map((key) => limit(put, key)));
  const options = optionsFor(gateway, { bucket: Bucket, retries: DEFAULT_RETRIES });
  const open = (): S3Changes => {
    const changes = new S3Changes(options);
    onTestFinished(() => changes.close());
    return changes;
  };
  return { client, Bucket, options, open, changes: open() };
}

async function keysOf(changes: S3Changes, directory = "docker"): Promise<string[]> {
  const keys: string[] = [];
  for await (const object of changes.list(directory)) keys.push(object.path);
  return keys;
}

const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `docker/n${String(i).padStart(5, "0")}`);
const text = (content: Uint8Array | undefined): string | undefined => content && Buffer.from(content).toString();
const ODD = ["docker/x y+z%41/é&?#", "docker/<'\">"];

describe("changes to a bucket of Ceph's radosgw", () => {
  test("deletes go a thousand to a request, whatever is in the names", async () => {
    const { changes } = await bucketOf([...names(1100), ...ODD, "keep"]);
    const outcomes = await changes.remove([...names(1100), ...ODD, "docker/none"]);
    expect(outcomes.filter(({ status }) => status === "failed")).toEqual([]);
    expect(changes.requests.delete).toBe(2);
    expect(await keysOf(changes)).toEqual([]);
    expect(text(await changes.read("keep"))).toBe("keep");
  });

  test("what a bucket with versions hides comes back", async () => {
    const { changes } = await bucketOf(names(3), true);
    expect(await changes.keepsVersions()).toBe(true);
    const outcomes = await changes.remove(names(3));
    expect(await keysOf(changes)).toEqual([]);
    const markers = outcomes.map(({ path: key, deleteMarker = "" }) => ({ path: key, deleteMarker }));
    expect((await changes.unhide(markers)).map(({ status }) => status)).toEqual(["done", "done", "done"]);
    expect(await keysOf(changes)).toEqual(names(3));
  });

  test("what hides an object after a delete that was sent twice is known, and goes", async () => {
    const { changes } = await bucketOf(names(3), true);
    const written = expect.any(Number) as unknown;
    expect(await changes.hiding(names(3))).toEqual(names(3).map((key) => ({ markers: [], written, bytes: key.length })));
    const [first, second] = [await changes.remove(names(2)), await changes.remove(names(2))];
    const hiding = await changes.hiding(names(3));
    // It puts no marker on a marker, and its answer to that names none.
    for (const i of [0, 1]) expect(hiding[i]?.markers).toEqual(expect.arrayContaining([first[i]?.deleteMarker]));
    expect(hiding.map(({ markers }) => markers.length)).toEqual([1, 1, 0]);
    expect(second.map(({ status }) => status)).toEqual(["done", "done"]);
    const all = names(2).flatMap((key, i) => (hiding[i]?.markers ?? []).map((deleteMarker) => ({ path: key, deleteMarker })));
    expect((await changes.unhide(all)).map(({ status }) => status)).toEqual(all.map(() => "done"));
    expect(await keysOf(changes)).toEqual(names(3));
  });

  test("what a bucket whose versioning is suspended does with deletes and conditional writes", async () => {
    const { client, Bucket, open } = await bucketOf([]);
    expect(await createSuspended(client, Bucket, open)).toBe("created");
  });

  test("moves keep the content, overwrite nothing, and can be repeated", async () => {
    const { changes } = await bucketOf([...names(5), ...ODD]);
    expect(await changes.keepsVersions()).toBe(false);
    const moves = [...names(5), ...ODD].map((from) => ({ from, to: `away/${from}` }));
    expect((await changes.move(moves)).map(({ status }) => status)).toEqual(moves.map(() => "done"));
    expect(await keysOf(changes)).toEqual([]);
    for (const { from, to } of moves) expect(text(await changes.read(to))).toBe(from);
    expect((await changes.move(moves)).map(({ status }) => status)).toEqual(moves.map(() => "absent"));
    const taken = await changes.move([{ from: "away/docker/n00000", to: "away/docker/n00001" }]);
    expect(taken[0]?.status).toBe("failed");
    expect(text(await changes.read("away/docker/n00001"))).toBe("docker/n00001");
  });

  test("of many that create an object, one has it", async () => {
    const { changes, open } = await bucketOf([]);
    const results = await Promise.all(Array.from({ length: 6 }, (_, i) => open().create("lock", Buffer.from(`process ${i}`))));
    expect(results.filter((result) => result === "created")).toHaveLength(1);
    expect(text(await changes.read("lock"))).toBe(`process ${results.indexOf("created")}`);
    expect(await changes.create("lock", Buffer.from("late"))).toBe("exists");
  });

  test("an object is replaced if it is the one that is expected, by one of many, and an empty one too", async () => {
    const { changes, open } = await bucketOf(["link"]);
    const before = Buffer.from("link");
    const results = await Promise.all(
      Array.from({ length: 6 }, (_, i) => open().replace("link", before, Buffer.from(`process ${i}`))),
    );
    expect(results.filter((result) => result === "replaced")).toHaveLength(1);
    const winner = Buffer.from(`process ${results.indexOf("replaced")}`);
    expect(text(await changes.read("link"))).toBe(winner.toString());
    expect(await changes.replace("link", before, Buffer.from("late"))).toBe("changed");
    expect(await changes.replace("link", winner, Buffer.alloc(0))).toBe("replaced");
    expect(await changes.replace("link", Buffer.alloc(0), before)).toBe("replaced");
    expect(await changes.replace("none", before, winner)).toBe("absent");
  });

  test("digests of what is there", async () => {
    const { changes } = await bucketOf(names(1));
    expect(await changes.digest("docker/n00000", "sha256")).toBe(crypto.hash("sha256", "docker/n00000"));
    expect(await changes.digest("docker/none", "sha256")).toBeUndefined();
    expect(await changes.read("docker/none")).toBeUndefined();
  });

  test("unfinished multipart uploads are listed, and ended", async () => {
    const { client, Bucket, options, changes } = await bucketOf([]);
    const file = "docker/registry/v2/repositories/app/_uploads/x/data";
    await client.send(new CreateMultipartUploadCommand({ Bucket, Key: file }));
    const storage = new S3Storage(options);
    onTestFinished(() => storage.close());
    const { uploads, faults } = await storage.multipartUploads();
    expect({ paths: uploads.map((upload) => upload.path), faults }).toEqual({ paths: [file], faults: [] });
    expect((await changes.abortMultipartUploads(uploads)).map(({ status }) => status)).toEqual(["done"]);
    expect((await changes.abortMultipartUploads(uploads)).map(({ status }) => status)).toEqual(["absent"]);
    expect((await storage.multipartUploads()).uploads).toEqual([]);
  });
});
