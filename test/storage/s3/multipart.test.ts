import { expect, test } from "vitest";
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
