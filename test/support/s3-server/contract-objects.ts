import { createHash } from "node:crypto";
import type { CopyObjectCommandOutput, S3Client } from "@aws-sdk/client-s3";
import {
  CopyObjectCommand,
  GetBucketLocationCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { beforeAll, describe, expect, it } from "vitest";
import type { Subject } from "./contract-subject.js";
import { freshBucket } from "./contract-listing.js";

const AWKWARD = "dir/ü + %41?&=#'\"/x";

/** Reading and writing single objects. */
export function objectsContract(subject: () => Subject): void {
  describe("objects", () => {
    let client: S3Client;
    let dialect: Subject["dialect"];
    let bucket: string;
    const put = (Key: string, Body: string, more: object = {}): Promise<unknown> =>
      client.send(new PutObjectCommand({ Bucket: bucket, Key, Body, ...more }));
    const read = async (Key: string, more: object = {}): Promise<string | undefined> => {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key, ...more }));
      return Body?.transformToString();
    };

    const copy = (from: string, Key: string): Promise<CopyObjectCommandOutput> =>
      client.send(new CopyObjectCommand({ Bucket: bucket, Key, CopySource: `${bucket}/${from}` }));

    beforeAll(async () => {
      ({ client, dialect } = subject());
      bucket = await freshBucket(client);
      await put("hello", "hello world");
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: "empty", Body: Buffer.alloc(0) }));
    });

    it("gives back what was put", async () => {
      await put(AWKWARD, "awkward", { ContentType: "text/x-test", Metadata: { run: "7" } });
      expect(await read(AWKWARD)).toBe("awkward");
      const head = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: AWKWARD }));
      const ETag = `"${createHash("md5").update("awkward").digest("hex")}"`;
      expect(head).toMatchObject({ ContentLength: 7, ETag, ContentType: "text/x-test", Metadata: { run: "7" } });
      expect(Math.abs(Date.now() - Number(head.LastModified))).toBeLessThan(120_000);
      expect(await read("empty")).toBe("");
    });

    it("reads ranges", async () => {
      expect(await read("hello", { Range: "bytes=0-4" })).toBe("hello");
      expect(await read("hello", { Range: "bytes=6-" })).toBe("world");
      expect(await read("hello", { Range: "bytes=-3" })).toBe("rld");
      expect(await read("hello", { Range: "bytes=6-1000" })).toBe("world");
      const part = await client.send(new GetObjectCommand({ Bucket: bucket, Key: "hello", Range: "bytes=1-2" }));
      expect(part).toMatchObject({ ContentRange: "bytes 1-2/11", ContentLength: 2, $metadata: { httpStatusCode: 206 } });
      await expect(read("hello", { Range: "bytes=11-12" })).rejects.toMatchObject({
        name: "InvalidRange",
        $metadata: { httpStatusCode: 416 },
      });
      await expect(read("empty", { Range: "bytes=0-4" })).rejects.toMatchObject({ name: "InvalidRange" });
    });

    it("tells what is not there", async () => {
      await expect(read("none")).rejects.toMatchObject({ name: "NoSuchKey", $metadata: { httpStatusCode: 404 } });
      await expect(client.send(new HeadObjectCommand({ Bucket: bucket, Key: "none" }))).rejects.toMatchObject({
        name: "NotFound",
      });
      await expect(read("hello", { Bucket: "no-such-bucket-here" })).rejects.toMatchObject({ name: "NoSuchBucket" });
      await expect(client.send(new HeadBucketCommand({ Bucket: "no-such-bucket-here" }))).rejects.toMatchObject({
        name: "NotFound",
      });
    });

    it("creates only, with If-None-Match: *", async () => {
      await put("lock", "mine", { IfNoneMatch: "*" });
      const again = put("lock", "yours", { IfNoneMatch: "*" });
      await expect(again).rejects.toMatchObject({ name: "PreconditionFailed", $metadata: { httpStatusCode: 412 } });
      expect(await read("lock")).toBe("mine");
    });

    it("reads on condition", async () => {
      await expect(read("hello", { IfMatch: '"00000000000000000000000000000000"' })).rejects.toMatchObject({
        name: "PreconditionFailed",
      });
      expect(await read("hello", { IfMatch: '"5eb63bbbe01eeed093cb22bb8f5acdc3"' })).toBe("hello world");
    });

    it("refuses content that is not what its MD5 says", async () => {
      const ContentMD5 = createHash("md5").update("other").digest("base64");
      await expect(put("damaged", "content", { ContentMD5 })).rejects.toMatchObject({ name: "BadDigest" });
      await expect(read("damaged")).rejects.toMatchObject({ name: "NoSuchKey" });
    });

    it("keeps a SHA-256 and gives it back on demand", async () => {
      const ChecksumSHA256 = createHash("sha256").update("content").digest("base64");
      await put("checksum", "content", { ChecksumSHA256 });
      const head = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: "checksum", ChecksumMode: "ENABLED" }));
      // Ceph 16 knows no checksums: it neither verifies nor keeps them.
      const kept = { ChecksumSHA256, ChecksumType: "FULL_OBJECT" };
      expect(head).toMatchObject(dialect === "radosgw" ? {} : kept);
      expect(head.ChecksumSHA256).toBe(dialect === "radosgw" ? undefined : ChecksumSHA256);
      const get = await client.send(new GetObjectCommand({ Bucket: bucket, Key: "checksum", ChecksumMode: "ENABLED" }));
      expect(await get.Body?.transformToString()).toBe("content");
      expect(get.ChecksumSHA256).toBe(dialect === "radosgw" ? undefined : ChecksumSHA256);
      expect((await client.send(new HeadObjectCommand({ Bucket: bucket, Key: "checksum" }))).ChecksumSHA256).toBeUndefined();
    });

    it("copies, also keys that must be encoded", async () => {
      await put(AWKWARD, "awkward", { ContentType: "text/x-test", Metadata: { run: "7" } });
      const { CopyObjectResult } = await copy(AWKWARD.split("/").map(encodeURIComponent).join("/"), "copy");
      expect(CopyObjectResult?.ETag?.replaceAll('"', "")).toBe(createHash("md5").update("awkward").digest("hex"));
      expect(await read("copy")).toBe("awkward");
      expect(await client.send(new HeadObjectCommand({ Bucket: bucket, Key: "copy" }))).toMatchObject({
        ContentType: "text/x-test",
        Metadata: { run: "7" },
      });
    });

    it("copies nothing from nothing, and nothing onto itself", async () => {
      await expect(copy("none", "copy")).rejects.toMatchObject({ name: "NoSuchKey" });
      await expect(copy("hello", "hello")).rejects.toMatchObject({ name: "InvalidRequest" });
    });

    it("tells where the bucket is", async () => {
      const { LocationConstraint } = await client.send(new GetBucketLocationCommand({ Bucket: bucket }));
      // Empty for us-east-1; Ceph names its zone group.
      expect(LocationConstraint ?? "").toBe(dialect === "radosgw" ? "default" : "");
    });
  });
}
