import { describe } from "vitest";
import { bucketOf } from "../../support/s3-bucket.js";
import { storageSuite } from "../suite.js";

describe("the storage suite, on S3", () => {
  storageSuite({ open: async (tree) => (await bucketOf(tree)).storage, keepsTimes: true, runs: 15 });
});

describe("the storage suite, on S3 with ETags that are no MD5", () => {
  storageSuite({ open: async (tree) => (await bucketOf(tree, {}, "kms")).storage, keepsTimes: true, runs: 5 });
});

describe("the storage suite, on S3 with --read-links", () => {
  storageSuite({ open: async (tree) => (await bucketOf(tree, { readLinks: true })).storage, keepsTimes: true, runs: 5 });
});
