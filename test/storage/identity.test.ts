import { expect, test } from "vitest";
import { isSameStorage } from "#regcheck/storage/identity.js";

const BUCKET = { driver: "s3", location: "s3://registry", server: "minio.example.com:9000" };

test.each([
  ["another server", { server: "ceph.example.com" }],
  ["none, which is AWS", { server: undefined }],
  ["another bucket", { location: "s3://other" }],
  ["another driver", { driver: "filesystem" }],
])("%s is another storage", (_, change) => {
  expect(isSameStorage(BUCKET, { ...BUCKET })).toBe(true);
  expect(isSameStorage(BUCKET, { ...BUCKET, ...change })).toBe(false);
});
