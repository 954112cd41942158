import type { S3Client } from "@aws-sdk/client-s3";
import { DeleteObjectCommand, DeleteObjectsCommand, ListObjectsV2Command, PutObjectCommand } from "@aws-sdk/client-s3";
import { beforeAll, describe, expect, it } from "vitest";
import type { Subject } from "./contract-subject.js";
import { freshBucket } from "./contract-listing.js";

const many = (count: number): string[] => Array.from({ length: count }, (_, index) => `n${index}`);

/** DeleteObject and DeleteObjects. */
export function deletesContract(subject: () => Subject): void {
  describe("deletes", () => {
    let client: S3Client;
    let bucket: string;
    let dialect: Subject["dialect"];
    const remove = (keys: readonly string[], Quiet = false) =>
      client.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects: keys.map((Key) => ({ Key })), Quiet } }));
    const keys = async (): Promise<(string | undefined)[]> => {
      const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: bucket }));
      return Contents.map(({ Key }) => Key);
    };

    beforeAll(async () => {
      ({ client, dialect } = subject());
      bucket = await freshBucket(client);
      const names = ["a", "b/c", "b/d", "é&<'\" +%41", "keep"];
      await Promise.all(names.map((Key) => client.send(new PutObjectCommand({ Bucket: bucket, Key, Body: "x" }))));
    });

    it("deletes one key, as often as one likes", async () => {
      const command = { Bucket: bucket, Key: "a" };
      expect(await client.send(new DeleteObjectCommand(command))).toMatchObject({ $metadata: { httpStatusCode: 204 } });
      expect(await client.send(new DeleteObjectCommand(command))).toMatchObject({ $metadata: { httpStatusCode: 204 } });
    });

    it("deletes many keys, whatever is in their names, and those that are not there", async () => {
      const names = ["b/c", "é&<'\" +%41", "none"];
      const { Deleted, Errors } = await remove(names);
      expect(Deleted?.map(({ Key }) => Key)).toEqual(expect.arrayContaining(names));
      expect(Errors ?? []).toEqual([]);
      expect(await keys()).toEqual(["b/d", "keep"]);
    });

    it("is quiet on demand", async () => {
      const { Deleted, Errors } = await remove(["b/d"], true);
      expect([Deleted ?? [], Errors ?? []]).toEqual([[], []]);
      expect(await keys()).toEqual(["keep"]);
    });

    it("takes 1,000 keys and no more", async () => {
      const { Deleted } = await remove(many(1000));
      expect(Deleted).toHaveLength(1000);
      // Ceph 16 sends the status without a document.
      const name = dialect === "radosgw" ? "Unknown" : "MalformedXML";
      await expect(remove(["keep", ...many(1000)])).rejects.toMatchObject({ name, $metadata: { httpStatusCode: 400 } });
      expect(await keys()).toEqual(["keep"]);
    });
  });
}
