import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import {
  CopyObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import type { ListObjectsV2CommandInput, ListObjectsV2CommandOutput } from "@aws-sdk/client-s3";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { S3Server } from "./s3-server/index.js";
import { startS3Server, uniformBlobs } from "./s3-server/index.js";
import { clientOf, s3ServerContract } from "./s3-server/contract.js";

process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] = "true";

const credentials = { accessKeyId: "AK", secretAccessKey: "SK" };
const Bucket = "b";

describe("the contract, on the test server", () => {
  let server: S3Server;
  beforeAll(async () => {
    server = await startS3Server({ credentials, region: "us-east-1" });
  });
  afterAll(() => server.stop());
  s3ServerContract(() => ({ endpoint: server.endpoint, ...credentials }));
});

describe("the test server", () => {
  let server: S3Server;
  let client: S3Client;
  const list = (input: Partial<ListObjectsV2CommandInput> = {}): Promise<ListObjectsV2CommandOutput> =>
    client.send(new ListObjectsV2Command({ Bucket, ...input }));
  const read = async (Key: string): Promise<string | undefined> =>
    (await client.send(new GetObjectCommand({ Bucket, Key }))).Body?.transformToString();
  const once = (): S3Client =>
    new S3Client({ endpoint: server.endpoint, region: "us-east-1", forcePathStyle: true, credentials, maxAttempts: 1 });

  beforeEach(async () => {
    server = await startS3Server({ objects: { [Bucket]: { a: "content a", b: "content b", c: "content c" } } });
    client = clientOf({ endpoint: server.endpoint, ...credentials });
  });
  afterEach(() => server.stop());

  it("counts and logs requests", async () => {
    await Promise.all([list({ Prefix: "a" }), list({ Prefix: "b" }), read("c")]);
    expect(server.requests).toEqual({ ListObjectsV2: 2, GetObject: 1 });
    const seen = server.log.map(({ operation, prefix, key, status }) => `${operation} ${prefix ?? key} ${status}`).sort();
    expect(seen).toEqual(["GetObject c 200", "ListObjectsV2 a 200", "ListObjectsV2 b 200"]);
    server.forget();
    expect([server.requests, server.log]).toEqual([{}, []]);
  });

  it("adds latency and sees how many requests are under way", async () => {
    server.setLatency(300);
    server.forget();
    const start = performance.now();
    await Promise.all(["a", "b", "c"].map(read));
    expect(performance.now() - start).toBeGreaterThanOrEqual(299);
    expect(server.peak()).toBe(3);
  });

  it("stores with times, ETags that are no MD5, and old uploads", async () => {
    const modified = new Date("2020-01-02T03:04:05Z");
    server.put(Bucket, "kms", "x", { etag: "kms", modified });
    server.put(Bucket, "multi", "x", { etag: "multipart" });
    const { Contents = [] } = await list();
    expect(Contents.map(({ Key }) => Key)).toEqual(["a", "b", "c", "kms", "multi"]);
    expect(Contents[3]?.LastModified).toEqual(modified);
    expect(Contents[3]?.ETag).not.toBe(`"${createHash("md5").update("x").digest("hex")}"`);
    expect(Contents[4]?.ETag).toMatch(/-1"$/);
    server.startUpload(Bucket, "up", modified);
    const { Uploads } = await client.send(new ListMultipartUploadsCommand({ Bucket }));
    expect(Uploads).toMatchObject([{ Key: "up", Initiated: modified }]);
  });

  it("takes the chunked bodies with trailing checksums that the SDK sends by default", async () => {
    const own = once();
    const content = Buffer.alloc(200_000, "0123456789");
    await own.send(
      new PutObjectCommand({
        Bucket,
        Key: "s",
        Body: Readable.from([content.subarray(0, 7), content.subarray(7)]),
        ContentLength: content.length,
      }),
    );
    expect(server.objects(Bucket).get("s")).toEqual(content);
    await own.send(new PutObjectCommand({ Bucket, Key: "b", Body: content, ChecksumAlgorithm: "SHA256" }));
    const head = await own.send(new GetObjectCommand({ Bucket, Key: "b", ChecksumMode: "ENABLED" }));
    expect(head.ChecksumSHA256).toBe(createHash("sha256").update(content).digest("base64"));
  });

  it("refuses content that does not fit its checksum, and a token that is not its own", async () => {
    const put = new PutObjectCommand({
      Bucket,
      Key: "x",
      Body: "content",
      ChecksumSHA256: createHash("sha256").digest("base64"),
    });
    await expect(client.send(put)).rejects.toMatchObject({ name: "BadDigest" });
    await expect(list({ ContinuationToken: "bogus" })).rejects.toMatchObject({ name: "InvalidArgument" });
  });

  it("knows regions", async () => {
    const far = await startS3Server({ region: "us-east-1", buckets: [{ name: Bucket, region: "eu-west-1" }] });
    const ask = (region: string): Promise<unknown> =>
      clientOf({ endpoint: far.endpoint, ...credentials, region }).send(new ListObjectsV2Command({ Bucket }));
    await expect(ask("us-east-1")).rejects.toMatchObject({ name: "PermanentRedirect", $metadata: { httpStatusCode: 301 } });
    await expect(ask("eu-west-1")).rejects.toMatchObject({ name: "AuthorizationHeaderMalformed", Region: "us-east-1" });
    await far.stop();
  });

  it("lists 100 million blobs that it does not hold", async () => {
    server.virtualBucket("huge", uniformBlobs({ count: 100_000_000 }));
    const Prefix = "docker/registry/v2/blobs/sha256/";
    const first = await list({ Bucket: "huge", Prefix });
    expect(first).toMatchObject({ KeyCount: 1000, IsTruncated: true });
    const second = await list({ Bucket: "huge", Prefix, ContinuationToken: first.NextContinuationToken });
    const keys = [...(first.Contents ?? []), ...(second.Contents ?? [])].map(({ Key = "" }) => Key);
    expect(new Set(keys).size).toBe(2000);
    expect(keys).toEqual([...keys].sort());
    expect(keys[0]).toMatch(/sha256\/00\/[0-9a-f]{64}\/data$/);
    const tail = await list({ Bucket: "huge", Prefix, StartAfter: `${Prefix}ff/fffffe` });
    // 2 of 16^6 parts of the whole.
    expect(tail).toMatchObject({ KeyCount: 11, IsTruncated: false });
  });

  describe("faults", () => {
    it("strike the n-th request that matches, so many times", async () => {
      const fault = server.inject({
        operation: "GetObject",
        key: /^[ab]$/,
        skip: 1,
        times: 1,
        effect: { kind: "error", status: 403, code: "AccessDenied" },
      });
      expect(await read("a")).toBe("content a");
      expect(await read("c")).toBe("content c");
      await expect(read("b")).rejects.toMatchObject({ name: "AccessDenied" });
      expect(await read("b")).toBe("content b");
      expect(fault.hits()).toBe(1);
    });

    it.each([
      [503, "SlowDown"],
      [500, "InternalError"],
      [429, "TooManyRequests"],
    ])("%i %s is retried by the SDK", async (status, code) => {
      server.inject({ operation: "ListObjectsV2", effect: { kind: "error", status, code } });
      expect(await list()).toMatchObject({ KeyCount: 3, $metadata: { attempts: 2 } });
    });

    it("resets connections, before or after the request took effect", async () => {
      server.inject({ operation: "PutObject", effect: { kind: "reset", applied: true } });
      await expect(once().send(new PutObjectCommand({ Bucket, Key: "d", Body: "d" }))).rejects.toMatchObject({
        code: "ECONNRESET",
      });
      server.inject({ operation: "PutObject", effect: { kind: "reset" } });
      await expect(once().send(new PutObjectCommand({ Bucket, Key: "e", Body: "e" }))).rejects.toMatchObject({
        code: "ECONNRESET",
      });
      expect([...server.objects(Bucket).keys()]).toEqual(["a", "b", "c", "d"]);
    });

    it("stalls", async () => {
      server.inject({ effect: { kind: "stall", ms: 30 } });
      const start = performance.now();
      expect(await read("a")).toBe("content a");
      expect(performance.now() - start).toBeGreaterThanOrEqual(29);
      server.inject({ effect: { kind: "stall" } });
      const abort = { abortSignal: AbortSignal.timeout(30) };
      await expect(client.send(new GetObjectCommand({ Bucket, Key: "a" }), abort)).rejects.toMatchObject({ name: "AbortError" });
    });

    it("spoils bodies", async () => {
      server.inject({ key: "a", effect: { kind: "short-body", framing: "cut" } });
      await expect(read("a")).rejects.toMatchObject({ code: "ECONNRESET" });
      server.inject({ key: "b", effect: { kind: "short-body", framing: "clean" } });
      expect(await read("b")).toBe("cont");
      server.inject({ key: "c", effect: { kind: "wrong-body" } });
      expect(await read("c")).toBe("bnoudou!b");
      server.inject({ operation: "ListObjectsV2", effect: { kind: "short-body", framing: "clean" } });
      await expect(once().send(new ListObjectsV2Command({ Bucket }))).rejects.toThrow(/deseriali/i);
    });

    it("spoils listings", async () => {
      const operation = "ListObjectsV2";
      server.inject({ operation, effect: { kind: "truncated-without-token" } });
      const truncated = await list();
      expect([truncated.IsTruncated, truncated.NextContinuationToken]).toEqual([true, undefined]);
      server.inject({ operation, effect: { kind: "unordered" } });
      expect((await list()).Contents?.map(({ Key }) => Key)).toEqual(["c", "b", "a"]);
      const { NextContinuationToken: token } = await list({ MaxKeys: 1 });
      server.inject({ operation, effect: { kind: "repeated-token" } });
      expect((await list({ MaxKeys: 1, ContinuationToken: token })).NextContinuationToken).toBe(token);
      server.inject({ operation, effect: { kind: "looping-token" } });
      const looping = await list({ MaxKeys: 1, ContinuationToken: token });
      expect(looping.NextContinuationToken).not.toBe(token);
      expect((await list({ ContinuationToken: looping.NextContinuationToken })).Contents?.[0]?.Key).toBe("a");
      expect(() => server.inject({ effect: { kind: "unordered" } })).toThrow("ListObjectsV2");
    });

    it("fails single keys of a DeleteObjects", async () => {
      server.inject({ operation: "DeleteObjects", key: "b", effect: { kind: "error", status: 403, code: "AccessDenied" } });
      const Delete = { Objects: ["a", "b"].map((Key) => ({ Key })), Quiet: true };
      const { Deleted, Errors } = await client.send(new DeleteObjectsCommand({ Bucket, Delete }));
      expect([Deleted, Errors]).toMatchObject([undefined, [{ Key: "b", Code: "AccessDenied" }]]);
      expect([...server.objects(Bucket).keys()]).toEqual(["b", "c"]);
      expect(server.log[0]?.keys).toEqual(["a", "b"]);
    });

    it("reports an error inside a 200, which the SDK takes for a 503", async () => {
      server.inject({ operation: "CopyObject", effect: { kind: "error-in-200", code: "InternalError" } });
      const copy = new CopyObjectCommand({ Bucket, Key: "d", CopySource: `${Bucket}/a` });
      await expect(once().send(copy)).rejects.toMatchObject({ name: "InternalError" });
      expect(server.objects(Bucket).has("d")).toBe(false);
    });
  });
});
