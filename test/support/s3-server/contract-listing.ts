import type { ListObjectsV2CommandInput, ListObjectsV2CommandOutput, S3Client } from "@aws-sdk/client-s3";
import { CreateBucketCommand, ListObjectsV2Command, PutObjectCommand } from "@aws-sdk/client-s3";
import { beforeAll, describe, expect, it } from "vitest";
import type { Subject, Target } from "./contract-subject.js";

const FLAT = ["a/1", "a/2", "a/b/1", "b", "foo-bar/x", "foo.bar", "foo/x", "foo/y", "z"];
/** UTF-16 sorts U+1F600 (a surrogate pair) before U+FF5E; UTF-8 sorts it behind. */
const UNICODE = ["u/é", "u/\u{ff5e}", "u/\u{1f600}"];
const AWKWARD = ["w/ space", "w/%41", "w/+plus", "w/<&>\"'", "w/~*()"];

/** A bucket of a fresh name. */
export async function freshBucket(client: S3Client): Promise<string> {
  const name = `contract-${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 8)}`;
  await client.send(new CreateBucketCommand({ Bucket: name }));
  return name;
}

const keysOf = ({ Contents = [] }: ListObjectsV2CommandOutput): (string | undefined)[] => Contents.map(({ Key }) => Key);
const prefixesOf = ({ CommonPrefixes = [] }: ListObjectsV2CommandOutput): (string | undefined)[] =>
  CommonPrefixes.map(({ Prefix }) => Prefix);

/** ListObjectsV2. */
export function listingContract(subject: () => Subject): void {
  describe("ListObjectsV2", () => {
    let client: S3Client;
    let bucket: string;
    const list = (input: Partial<ListObjectsV2CommandInput> = {}): Promise<ListObjectsV2CommandOutput> =>
      client.send(new ListObjectsV2Command({ Bucket: bucket, ...input }));

    beforeAll(async () => {
      ({ client } = subject());
      bucket = await freshBucket(client);
      const keys = [...FLAT, ...UNICODE, ...AWKWARD].toReversed();
      await Promise.all(keys.map((Key) => client.send(new PutObjectCommand({ Bucket: bucket, Key, Body: "hello" }))));
    });

    it("lists in the order of UTF-8 bytes, with size, ETag and time", async () => {
      const page = await list();
      expect(keysOf(page)).toEqual([...FLAT.slice(0, -1), ...UNICODE, ...AWKWARD, "z"]);
      expect(page).toMatchObject({ IsTruncated: false, KeyCount: FLAT.length + UNICODE.length + AWKWARD.length, MaxKeys: 1000 });
      expect(page.NextContinuationToken).toBeUndefined();
      const first = page.Contents?.[0];
      expect(first).toMatchObject({ Size: 5, ETag: '"5d41402abc4b2a76b9719d911017c592"', StorageClass: "STANDARD" });
      expect(Math.abs(Date.now() - Number(first?.LastModified))).toBeLessThan(120_000);
    });

    it("restricts to a prefix, byte for byte", async () => {
      expect(keysOf(await list({ Prefix: "foo" }))).toEqual(["foo-bar/x", "foo.bar", "foo/x", "foo/y"]);
      expect(keysOf(await list({ Prefix: "foo/" }))).toEqual(["foo/x", "foo/y"]);
      expect(await list({ Prefix: "none" })).toMatchObject({ KeyCount: 0, IsTruncated: false });
      expect((await list({ Prefix: "none" })).Contents).toBeUndefined();
    });

    it("starts after a key, which need not exist and is not listed itself", async () => {
      expect(keysOf(await list({ StartAfter: "foo/x" })).slice(0, 2)).toEqual(["foo/y", "u/é"]);
      expect(keysOf(await list({ StartAfter: "foo-zzz" }))[0]).toBe("foo.bar");
      expect(keysOf(await list({ Prefix: "foo/", StartAfter: "a" }))).toEqual(["foo/x", "foo/y"]);
      expect(keysOf(await list({ Prefix: "foo/", StartAfter: "z" }))).toEqual([]);
      expect(keysOf(await list({ Prefix: "u/", StartAfter: "u/\u{ff5e}" }))).toEqual(["u/\u{1f600}"]);
    });

    it("pages with tokens, which win over StartAfter", async () => {
      const seen: (string | undefined)[] = [];
      let token: string | undefined;
      do {
        const page = await list({ MaxKeys: 3, StartAfter: "a/1", ...(token === undefined ? {} : { ContinuationToken: token }) });
        expect(page.IsTruncated).toBe(page.NextContinuationToken !== undefined);
        seen.push(...keysOf(page));
        token = page.NextContinuationToken;
      } while (token !== undefined);
      expect(seen).toEqual([...FLAT.slice(1, -1), ...UNICODE, ...AWKWARD, "z"]);
    });

    it("is not truncated when the last page is just full", async () => {
      expect(await list({ Prefix: "foo/", MaxKeys: 2 })).toMatchObject({ KeyCount: 2, IsTruncated: false });
      expect(await list({ Prefix: "foo/", MaxKeys: 0 })).toMatchObject({ KeyCount: 0, IsTruncated: false });
      expect(await list({ MaxKeys: 5000 })).toMatchObject({ IsTruncated: false });
    });

    it("rolls keys up to common prefixes, which count as keys and are listed once", async () => {
      const page = await list({ Delimiter: "/" });
      expect(prefixesOf(page)).toEqual(["a/", "foo-bar/", "foo/", "u/", "w/"]);
      expect(keysOf(page)).toEqual(["b", "foo.bar", "z"]);
      expect(page.KeyCount).toBe(8);
      expect(prefixesOf(await list({ Delimiter: "/", Prefix: "a/" }))).toEqual(["a/b/"]);
      expect(prefixesOf(await list({ Delimiter: "o", Prefix: "f" }))).toEqual(["fo"]);
      const first = await list({ Delimiter: "/", MaxKeys: 1 });
      expect(first).toMatchObject({ KeyCount: 1, IsTruncated: true });
      const second = await list({ Delimiter: "/", MaxKeys: 2, ContinuationToken: first.NextContinuationToken });
      expect([...keysOf(second), ...prefixesOf(second)]).toEqual(["b", "foo-bar/"]);
    });

    it("leaves a common prefix out that StartAfter is within", async () => {
      const page = await list({ Delimiter: "/", StartAfter: "a/1" });
      expect(prefixesOf(page)[0]).toBe("foo-bar/");
    });

    it("encodes keys on demand", async () => {
      const page = await list({ Prefix: "w/", EncodingType: "url" });
      const decoded = keysOf(page).map((key) => decodeURIComponent((key ?? "").replaceAll("+", " ")));
      expect(decoded).toEqual(AWKWARD);
      expect(page.EncodingType).toBe("url");
    });

    it("refuses a bucket that is not there", async () => {
      await expect(list({ Bucket: "no-such-bucket-here" })).rejects.toMatchObject({
        name: "NoSuchBucket",
        $metadata: { httpStatusCode: 404 },
      });
    });

    it("refuses unknown keys and wrong secrets", async () => {
      const { clientWith } = subject();
      const command = new ListObjectsV2Command({ Bucket: bucket });
      const send = (change: Partial<Target>): Promise<unknown> => clientWith(change).send(command);
      await expect(send({ accessKeyId: "NOBODY" })).rejects.toMatchObject({
        name: "InvalidAccessKeyId",
        $metadata: { httpStatusCode: 403 },
      });
      await expect(send({ secretAccessKey: "wrong" })).rejects.toMatchObject({ name: "SignatureDoesNotMatch" });
    });
  });
}
