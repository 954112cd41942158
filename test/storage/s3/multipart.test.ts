import { describe, expect, test } from "vitest";
import { S3Storage } from "#regcheck/storage/s3/s3.js";
import { V2 } from "../../support/builder.js";
import { optionsFor, startedServer } from "../../support/s3-bucket.js";

test("a server that minds no prefix lists nobody else's uploads", async () => {
  const server = await startedServer();
  const upload = (key: string): string =>
    `<Upload><Key>${key}</Key><UploadId>1</UploadId><Initiated>2024-01-02T03:04:05.000Z</Initiated></Upload>`;
  const path = `${V2}/repositories/app/_uploads/1/data`;
  const uploads = ["backup.tar", path, `root/${path}`, `root/docker/registry/v20/x`].map(upload).join("");
  const body = `<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>${uploads}</ListMultipartUploadsResult>`;
  server.inject({ operation: "ListMultipartUploads", times: Infinity, effect: { kind: "wrong-body", body } });
  for (const rootDirectory of ["", "root"]) {
    const storage = new S3Storage(optionsFor(server, { rootDirectory }));
    const { uploads: found, faults } = await storage.multipartUploads();
    await storage.close();
    expect({ paths: found.map((one) => one.path), faults }).toEqual({ paths: [path], faults: [] });
  }
});

test.each([
  ["does not have the listing", 501, "NotImplemented"],
  ["knows no upload of the bucket yet, as rclone's says it", 404, "NoSuchUpload"],
])("a server that %s has none", async (_, status, code) => {
  const server = await startedServer();
  server.inject({ operation: "ListMultipartUploads", times: Infinity, effect: { kind: "error", status, code } });
  const storage = new S3Storage(optionsFor(server));
  expect(await storage.multipartUploads()).toEqual({ uploads: [], faults: [] });
  await storage.close();
});

describe("the parts of an upload", () => {
  async function measured(pages: readonly string[]) {
    const server = await startedServer();
    server.startUpload("b", `${V2}/repositories/app/_uploads/1/data`, new Date("2024-01-02"), [Buffer.alloc(10)]);
    for (const page of pages) {
      const body = `<ListPartsResult>${page}<Part><PartNumber>1</PartNumber><Size>5</Size></Part></ListPartsResult>`;
      server.inject({ operation: "ListParts", times: 1, effect: { kind: "wrong-body", body } });
    }
    const storage = new S3Storage(optionsFor(server));
    const { uploads, unmeasured, faults } = await storage.multipartUploads();
    await storage.close();
    return { bytes: uploads.map(({ bytes }) => bytes), unmeasured, faults };
  }

  const TRUNCATED = "<IsTruncated>true</IsTruncated>";
  const NEXT = `${TRUNCATED}<NextPartNumberMarker>1</NextPartNumberMarker>`;

  test("are added up over pages", async () => {
    expect(await measured([NEXT, "<IsTruncated>false</IsTruncated>"])).toEqual({
      bytes: [10],
      unmeasured: undefined,
      faults: [],
    });
  });

  test.each([
    ["without saying where", [TRUNCATED], "there are more parts, but not where"],
    ["by where they began", [NEXT, NEXT], "repeats itself"],
  ])("that go on %s are of no known size", async (_, pages, why) => {
    const { bytes, unmeasured, faults } = await measured(pages);
    expect({ bytes, faults }).toEqual({ bytes: [undefined], faults: [] });
    expect(unmeasured).toContain(why);
  });
});
