import type { ListObjectVersionsCommandInput, S3Client } from "@aws-sdk/client-s3";
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  ListObjectsV2Command,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { beforeAll, describe, expect, it } from "vitest";
import type { Subject } from "./contract-subject.js";
import { freshBucket } from "./contract-listing.js";

/** Versioned buckets and delete markers. */
export function versionsContract(subject: () => Subject): void {
  describe("versions", () => {
    let client: S3Client;
    let bucket: string;
    const put = async (Key: string, Body: string): Promise<string | undefined> =>
      (await client.send(new PutObjectCommand({ Bucket: bucket, Key, Body }))).VersionId;
    const read = async (Key: string, VersionId?: string): Promise<string | undefined> =>
      (await client.send(new GetObjectCommand({ Bucket: bucket, Key, VersionId }))).Body?.transformToString();
    const versions = (input: Partial<ListObjectVersionsCommandInput> = {}) =>
      client.send(new ListObjectVersionsCommand({ Bucket: bucket, ...input }));

    beforeAll(async () => {
      ({ client } = subject());
      bucket = await freshBucket(client);
    });

    it("is off at first; what is stored then has the version null", async () => {
      expect((await client.send(new GetBucketVersioningCommand({ Bucket: bucket }))).Status).toBeUndefined();
      expect(await put("old", "old")).toBeUndefined();
      await client.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status: "Enabled" } }));
      expect((await client.send(new GetBucketVersioningCommand({ Bucket: bucket }))).Status).toBe("Enabled");
      expect((await versions({ Prefix: "old" })).Versions).toMatchObject([
        { Key: "old", VersionId: "null", IsLatest: true, Size: 3 },
      ]);
    });

    it("keeps what a delete hides, and gives it back when the marker goes", async () => {
      const first = await put("v", "first");
      const second = await put("v", "second");
      expect(await read("v")).toBe("second");
      expect(await read("v", first)).toBe("first");
      const deleted = await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: "v" }));
      expect(deleted.DeleteMarker).toBe(true);
      await expect(read("v")).rejects.toMatchObject({ name: "NoSuchKey" });
      await expect(client.send(new HeadObjectCommand({ Bucket: bucket, Key: "v" }))).rejects.toMatchObject({ name: "NotFound" });
      expect((await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: "v" }))).KeyCount).toBe(0);
      const { Versions, DeleteMarkers } = await versions({ Prefix: "v" });
      expect(Versions?.map(({ VersionId, IsLatest }) => [VersionId, IsLatest])).toEqual([
        [second, false],
        [first, false],
      ]);
      expect(DeleteMarkers).toMatchObject([{ Key: "v", VersionId: deleted.VersionId, IsLatest: true }]);
      const undone = await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: "v", VersionId: deleted.VersionId }));
      expect(undone).toMatchObject({ DeleteMarker: true, VersionId: deleted.VersionId });
      expect(await read("v")).toBe("second");
    });

    it("tells the markers that DeleteObjects makes, and removes single versions", async () => {
      const kept = await put("w", "kept");
      const { Deleted } = await client.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects: [{ Key: "w" }] } }));
      expect(Deleted).toMatchObject([{ Key: "w", DeleteMarker: true }]);
      const VersionId = Deleted?.[0]?.DeleteMarkerVersionId;
      expect((await versions({ Prefix: "w" })).DeleteMarkers?.[0]?.VersionId).toBe(VersionId);
      await client.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects: [{ Key: "w", VersionId }] } }));
      expect(await read("w")).toBe("kept");
      await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: "w", VersionId: kept }));
      expect(await versions({ Prefix: "w" })).not.toHaveProperty("Versions");
    });

    it("copies a version", async () => {
      const first = await put("c", "first");
      await put("c", "second");
      await client.send(new CopyObjectCommand({ Bucket: bucket, Key: "c", CopySource: `${bucket}/c?versionId=${first}` }));
      expect(await read("c")).toBe("first");
    });

    it("pages through versions with both markers", async () => {
      const all = await versions();
      const seen: (string | undefined)[] = [];
      let markers: Partial<ListObjectVersionsCommandInput> = {};
      for (let pages = 0; pages < 50; pages += 1) {
        const page = await versions({ MaxKeys: 1, ...markers });
        seen.push(...[...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])].map(({ VersionId }) => VersionId));
        if (page.IsTruncated !== true) break;
        markers = { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker };
      }
      expect(seen).toEqual(all.Versions?.map(({ VersionId }) => VersionId));
    });

    it("tells a version that is not there", async () => {
      const id = await put("x", "x");
      await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: "x", VersionId: id }));
      await expect(read("x", id)).rejects.toMatchObject({ $metadata: { httpStatusCode: 404 } });
    });
  });
}
