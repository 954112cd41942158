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

test("directories at one path are told apart by their ids, where both have one", () => {
  const directory = { driver: "filesystem", location: "/var/lib/registry" };
  const [one, other] = [
    { ...directory, id: "1" },
    { ...directory, id: "2" },
  ];
  expect(isSameStorage(one, { ...one })).toBe(true);
  expect(isSameStorage(one, other)).toBe(false);
  expect([isSameStorage(one, directory), isSameStorage(directory, other)]).toEqual([true, true]);
  expect(isSameStorage(one, { ...one, location: "/srv/copy" })).toBe(false);
});
