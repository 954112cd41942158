import crypto from "node:crypto";
import { expect, test } from "vitest";
import { BucketReader } from "#regcheck/storage/s3/bucket-reader.js";
import { LinkReader } from "#regcheck/storage/s3/links.js";
import { optionsFor } from "../../support/s3-bucket.js";

test("an ETag that is the MD5 of a link's content is its content; with --read-links it is not taken for that", () => {
  const hex = "a".repeat(64);
  const bucket = new BucketReader(optionsFor({ endpoint: "http://127.0.0.1:9" }));
  const object = { key: "link", size: 71, etag: crypto.hash("md5", `sha256:${hex}`, "hex"), modified: 0 };
  expect(new LinkReader(bucket, false).holds(object, hex)).toBe(true);
  expect(new LinkReader(bucket, false).holds(object, "b".repeat(64))).toBe(false);
  expect(new LinkReader(bucket, false).holds({ ...object, size: 70 }, hex)).toBe(false);
  expect(new LinkReader(bucket, true).holds(object, hex)).toBe(false);
  bucket.close();
});
