import { expect, test } from "vitest";
import { S3Storage } from "#regcheck/storage/s3/s3.js";
import { RegistryBuilder, V2 } from "../../support/builder.js";
import { optionsFor, startedServer, store } from "../../support/s3-bucket.js";

const APP = `${V2}/repositories/app`;

test.each([`${APP}/_uploads/u1`, `${APP}/_manifests/tags/v1`])("%s is whole, whatever lies in it", async (directory) => {
  const builder = new RegistryBuilder();
  builder.repository("app").image({ layers: ["x"], tag: "v1" });
  const server = await startedServer();
  store(server, builder.tree);
  server.put("b", `${APP}/_uploads/u1/data`, "x");
  server.put("b", `${APP}/_uploads/u1/startedat`, "2020-01-01T00:00:00Z");
  for (let i = 0; i < 10; i++) server.put("b", `${directory}/_manifests/tags/a${i}`, "");
  for (let i = 0; i < 3; i++) server.put("b", `${directory}/_manifests/tags/z${i}`, "");
  server.inject({ operation: "ListObjectsV2", times: Infinity, effect: { kind: "short-pages", keys: 2 } });
  const storage = new S3Storage(optionsFor(server));
  for await (const { name, tags, uploads } of storage.repositories()) {
    if (name !== "app") continue;
    expect(tags.names).toEqual(["v1"]);
    expect(uploads.map(({ id }) => id)).toEqual(["u1"]);
  }
  await storage.close();
});
