import type { S3Client } from "@aws-sdk/client-s3";
import { PutBucketVersioningCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { expect } from "vitest";
import type { S3Changes } from "#regcheck/storage/s3/changes.js";

/**
 * Whether a server does with deletes and conditional writes, in a bucket whose versioning is suspended, what changes take it to do. Returns what
 * becomes of an object that is to be created where a marker lies on a version.
 */
export async function createSuspended(client: S3Client, Bucket: string, open: () => S3Changes): Promise<"created" | "exists"> {
  const versioning = (Status: "Enabled" | "Suspended") =>
    client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status } }));
  const put = (Key: string) => client.send(new PutObjectCommand({ Bucket, Key, Body: Key }));
  const changes = open();
  await put("before");
  await versioning("Enabled");
  await put("kept");
  await versioning("Suspended");
  await put("since");
  expect([await changes.keepsVersions(), await changes.mayHaveVersions()]).toEqual([false, true]);

  const all = ["before", "kept", "since"];
  const removed = all.map((path) => ({ path, status: "done", deleteMarker: undefined }));
  expect(await changes.remove(all)).toEqual(removed);
  const written: unknown = expect.any(Number);
  expect(await changes.hiding(all)).toEqual([
    { markers: ["null"], written: undefined },
    { markers: ["null"], written },
    { markers: ["null"], written: undefined },
  ]);
  await changes.unhide([{ path: "kept", deleteMarker: "null" }]);
  expect(Buffer.from((await changes.read("kept")) ?? "").toString()).toBe("kept");

  const ours = Buffer.from("ours");
  for (let run = 0; run < 2; run++) {
    expect(await changes.create("lock", ours)).toBe("created");
    expect(await open().create("lock", Buffer.from("another's"))).toBe("exists");
    expect(await changes.removeForGood("lock", ours)).toEqual({ status: "done" });
    expect(await changes.read("lock")).toBeUndefined();
  }
  const contents = Array.from({ length: 4 }, (_, i) => `process ${i}`);
  const results = await Promise.all(contents.map((content) => open().create("lock", Buffer.from(content))));
  expect(results.filter((result) => result === "created")).toHaveLength(1);
  expect(Buffer.from((await changes.read("lock")) ?? "").toString()).toBe(contents[results.indexOf("created")]);
  await changes.remove(["kept"]);
  return changes.create("kept", ours);
}
