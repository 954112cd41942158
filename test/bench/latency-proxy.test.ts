import { ListObjectsV2Command, PutObjectCommand } from "@aws-sdk/client-s3";
import { expect, onTestFinished, test } from "vitest";
import { clientOf } from "../support/s3-server/contract.js";
import { startS3Server } from "../support/s3-server/index.js";
import { startLatencyProxy } from "./latency-proxy.js";

process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] = "true";

test("the proxy passes signed requests on, later, and counts them by operation", async () => {
  const credentials = { accessKeyId: "AK", secretAccessKey: "SK" };
  const server = await startS3Server({ buckets: ["b"], credentials });
  onTestFinished(() => server.stop());
  const proxy = await startLatencyProxy(server.endpoint, 50);
  onTestFinished(() => proxy.stop());
  const client = clientOf({ endpoint: proxy.endpoint, ...credentials });
  const start = performance.now();
  const keys = ["a", "b", "c"];
  await Promise.all(keys.map((Key) => client.send(new PutObjectCommand({ Bucket: "b", Key, Body: Key }))));
  expect(performance.now() - start).toBeGreaterThanOrEqual(49);
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: "b" }));
  expect(Contents.map(({ Key }) => Key)).toEqual(keys);
  expect(proxy.requests()).toEqual({ ListObjectsV2: 1, PutObject: 3 });
  expect(proxy.requests()).toEqual(server.requests);
  expect(proxy.peak()).toBe(3);
  proxy.forget();
  expect([proxy.requests(), proxy.peak()]).toEqual([{}, 0]);
});
