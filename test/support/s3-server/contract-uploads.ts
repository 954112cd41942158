import { createHash } from "node:crypto";
import type { ListMultipartUploadsCommandInput, S3Client } from "@aws-sdk/client-s3";
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { beforeAll, describe, expect, it } from "vitest";
import type { Subject } from "./contract-subject.js";
import { freshBucket } from "./contract-listing.js";

/** Multipart uploads: how unfinished ones are found, and what a finished one looks like. */
export function uploadsContract(subject: () => Subject): void {
  describe("multipart uploads", () => {
    let client: S3Client;
    let bucket: string;
    let dialect: Subject["dialect"];
    const create = async (Key: string): Promise<string | undefined> =>
      (await client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key }))).UploadId;
    const list = (input: Partial<ListMultipartUploadsCommandInput> = {}) =>
      client.send(new ListMultipartUploadsCommand({ Bucket: bucket, ...input }));

    beforeAll(async () => {
      ({ client, dialect } = subject());
      bucket = await freshBucket(client);
      for (const key of ["m/b", "m/a", "m/a", "n/c"]) await create(key);
    });

    it("lists unfinished ones by key, and not as objects", async () => {
      const { Uploads = [], IsTruncated } = await list();
      expect(Uploads.map(({ Key }) => Key)).toEqual(["m/a", "m/a", "m/b", "n/c"]);
      expect(new Set(Uploads.map(({ UploadId }) => UploadId)).size).toBe(4);
      expect(Math.abs(Date.now() - Number(Uploads[0]?.Initiated))).toBeLessThan(120_000);
      expect(IsTruncated).toBe(false);
      expect((await client.send(new ListObjectsV2Command({ Bucket: bucket }))).KeyCount).toBe(0);
    });

    it("restricts to a prefix and pages with both markers", async () => {
      expect((await list({ Prefix: "n/" })).Uploads).toHaveLength(1);
      const seen: (string | undefined)[] = [];
      let markers: Partial<ListMultipartUploadsCommandInput> = {};
      for (let pages = 0; pages < 10; pages += 1) {
        const page = await list({ MaxUploads: 1, ...markers });
        seen.push(...(page.Uploads ?? []).map(({ Key, UploadId }) => `${Key} ${UploadId}`));
        if (page.IsTruncated !== true) break;
        markers = { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker };
      }
      const { Uploads = [] } = await list();
      expect(seen).toEqual(Uploads.map(({ Key, UploadId }) => `${Key} ${UploadId}`));
      // Ceph 16 takes a key marker without an upload id as "at or behind", AWS as "behind".
      const rest = dialect === "radosgw" ? ["m/a", "m/a", "m/b", "n/c"] : ["m/b", "n/c"];
      expect((await list({ KeyMarker: "m/a" })).Uploads?.map(({ Key }) => Key)).toEqual(rest);
    });

    it("aborts one once", async () => {
      const UploadId = await create("gone");
      const abort = (): Promise<unknown> =>
        client.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key: "gone", UploadId }));
      await abort();
      await expect(abort()).rejects.toMatchObject({ name: "NoSuchUpload", $metadata: { httpStatusCode: 404 } });
      expect((await list({ Prefix: "gone" })).Uploads).toBeUndefined();
    });

    it("makes an object whose ETag is no MD5 of its content", async () => {
      const part = { Bucket: bucket, Key: "whole", UploadId: await create("whole") };
      const { ETag } = await client.send(new UploadPartCommand({ ...part, PartNumber: 1, Body: "hello" }));
      await client.send(new CompleteMultipartUploadCommand({ ...part, MultipartUpload: { Parts: [{ PartNumber: 1, ETag }] } }));
      const head = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: "whole" }));
      const md5 = createHash("md5").update(createHash("md5").update("hello").digest()).digest("hex");
      expect(head).toMatchObject({ ContentLength: 5, ETag: `"${md5}-1"` });
      const { Contents } = await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: "whole" }));
      expect(Contents?.[0]?.ETag).toBe(head.ETag);
    });

    it("makes an object whose SHA-256 is one of its parts' checksums, and says so", async () => {
      const sha256 = (content: string | Buffer) => createHash("sha256").update(content).digest();
      const ChecksumSHA256 = sha256("hello").toString("base64");
      const of = { Bucket: bucket, Key: "checksum" };
      const { UploadId } = await client.send(new CreateMultipartUploadCommand({ ...of, ChecksumAlgorithm: "SHA256" }));
      const part = { PartNumber: 1, ChecksumSHA256 };
      const { ETag } = await client.send(new UploadPartCommand({ ...of, UploadId, ...part, Body: "hello" }));
      const MultipartUpload = { Parts: [{ ...part, ETag }] };
      await client.send(new CompleteMultipartUploadCommand({ ...of, UploadId, MultipartUpload }));
      const head = await client.send(new HeadObjectCommand({ ...of, ChecksumMode: "ENABLED" }));
      const composite = { ChecksumSHA256: `${sha256(sha256("hello")).toString("base64")}-1`, ChecksumType: "COMPOSITE" };
      // Ceph 16 knows no checksums.
      const { ChecksumSHA256: found, ChecksumType } = head;
      expect({ ChecksumSHA256: found, ChecksumType }).toEqual(dialect === "radosgw" ? {} : composite);
    });
  });
}
