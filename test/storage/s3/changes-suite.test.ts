import { S3Changes } from "#regcheck/storage/s3/changes.js";
import { optionsFor, startedServer } from "../../support/s3-bucket.js";
import { changesSuite } from "../changes-suite.js";

changesSuite(async (objects) => {
  const server = await startedServer();
  for (const [key, content] of Object.entries(objects)) server.put("b", key, content, { etag: "md5" });
  return {
    changes: new S3Changes(optionsFor(server), 20),
    objects: () =>
      Object.fromEntries(Array.from(server.objects("b"), ([key, content]) => [key, Buffer.from(content).toString()])),
    break: () => {
      for (const operation of ["ListObjectsV2", "GetObject", "HeadObject", "PutObject"])
        server.inject({ operation, times: Infinity, effect: { kind: "error", status: 403, code: "AccessDenied" } });
    },
  };
});
