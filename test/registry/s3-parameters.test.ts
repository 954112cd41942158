import { describe, expect, test } from "vitest";
import { parseS3Parameters } from "#regcheck/registry/s3-parameters.js";

describe("parseS3Parameters", () => {
  test.each([
    [
      { bucket: "b", region: "eu-west-1" },
      { endpoint: undefined, forcePathStyle: false, region: "eu-west-1" },
    ],
    [
      { bucket: "b", regionendpoint: "http://s3:9000" },
      { endpoint: "http://s3:9000", forcePathStyle: true },
    ],
    [{ bucket: "b", regionendpoint: "s3:9000" }, { endpoint: "https://s3:9000" }],
    [{ bucket: "b", regionendpoint: "s3:9000", secure: false }, { endpoint: "http://s3:9000" }],
    [{ bucket: "b", regionendpoint: "http://s3", forcepathstyle: "false" }, { forcePathStyle: false }],
    [{ bucket: "b", rootdirectory: "/a/b/" }, { rootDirectory: "a/b" }],
    [
      { bucket: "b", skipverify: "true", usedualstack: true },
      { bucket: "b", skipVerify: true, useDualStack: true },
    ],
    [{ bucket: "b", accesskey: 123n, secretkey: "s" }, { credentials: { accessKeyId: "123", secretAccessKey: "s" } }],
  ])("%o", (parameters, expected) => {
    expect(parseS3Parameters(parameters)).toMatchObject(expected);
  });

  test.each([
    [{}, "no bucket"],
    [{ Bucket: "b" }, "no bucket"],
    [{ bucket: "b", rootdirectory: ["a"] }, "storage.s3.rootdirectory: expected text"],
    [{ bucket: "b", accesskey: "a" }, "one of accesskey and secretkey"],
  ])("%o is a problem", (parameters, problem) => {
    expect(parseS3Parameters(parameters)).toMatchObject({ problem: expect.stringContaining(problem) as string });
  });
});
