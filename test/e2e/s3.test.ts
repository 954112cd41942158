import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { CreateBucketCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import pLimit from "p-limit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { DEFAULT_RETRIES } from "#regcheck/storage/s3/options.js";
import { S3Storage } from "#regcheck/storage/s3/s3.js";
import { startLatencyProxy } from "../bench/latency-proxy.js";
import type { LatencyProxy } from "../bench/latency-proxy.js";
import { storageSuite } from "../storage/suite.js";
import { blobFile, sha256 } from "../support/builder.js";
import { optionsFor } from "../support/s3-bucket.js";
import { clientOf } from "../support/s3-server/contract.js";
import type { RegistryTree } from "../support/registry-tree.js";
import { configOf, RegistryClient } from "./support/client.js";
import { pushAllThatIsLegal, pushAndLetGo } from "./support/contents.js";
import { expire } from "./support/lifecycle.js";
import { Radosgw } from "./support/radosgw.js";
import { RealRegistry, REGISTRIES } from "./support/registry.js";
import type { RegistryVersion } from "./support/registry.js";
import { check, eligible, summary, unreferenced } from "./support/report.js";

process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] = "true";

const base = fs.mkdtempSync(path.join(os.tmpdir(), "regcheck-e2e-s3-"));
let gateway: Radosgw;
let proxy: LatencyProxy;
let buckets = 0;

beforeAll(async () => {
  fs.mkdirSync(path.join(base, "ceph"));
  gateway = await Radosgw.start(path.join(base, "ceph"));
  proxy = await startLatencyProxy(gateway.endpoint, 0);
});

afterAll(async () => {
  await proxy.stop();
  await gateway.stop();
  fs.rmSync(base, { recursive: true, force: true });
});

async function createBucket(): Promise<string> {
  const Bucket = `bucket-${++buckets}`;
  await clientOf(gateway.target).send(new CreateBucketCommand({ Bucket }));
  return Bucket;
}

async function stored(tree: RegistryTree): Promise<S3Storage> {
  const client = clientOf(gateway.target);
  const bucket = await createBucket();
  const limit = pLimit(16);
  const put = (Key: string, Body: Buffer) => client.send(new PutObjectCommand({ Bucket: bucket, Key, Body }));
  await Promise.all([...tree.files].map(([key, { content }]) => limit(put, key, Buffer.from(content))));
  return new S3Storage(optionsFor(gateway, { bucket, retries: DEFAULT_RETRIES }));
}

describe("the storage suite, on Ceph's radosgw", () => {
  storageSuite({ open: stored, keepsTimes: false, runs: 0 });
});

describe.each(Object.keys(REGISTRIES) as RegistryVersion[])("the bucket of registry %s", (version) => {
  let registry: RealRegistry;
  let client: RegistryClient;
  let directory = "";
  /** How an operator names the bucket: by the registry's own config. */
  let storage: readonly string[];

  beforeEach(async () => {
    directory = fs.mkdtempSync(path.join(base, "registry-"));
    const s3 = {
      accesskey: gateway.target.accessKeyId,
      secretkey: gateway.target.secretAccessKey,
      region: "us-east-1",
      regionendpoint: proxy.endpoint,
      forcepathstyle: true,
      secure: false,
      bucket: await createBucket(),
      rootdirectory: "/a/registry",
    };
    registry = await RealRegistry.start({ version, directory, storage: { s3, redirect: { disable: true } } });
    client = new RegistryClient(registry.url, "team/app");
    storage = ["--config", registry.config];
  });

  afterEach(() => registry.stop());

  test("filled with all that is legal, has no finding", async () => {
    await pushAllThatIsLegal(registry, client, directory);
    const report = await check(storage);
    expect(summary(report)).toEqual([]);
    expect(report.totals).toMatchObject({ repositories: 3, tags: 10, uploads: 0 });
    expect(summary(await check(storage, "--read-links"))).toEqual([]);
  });

  test("with --verify, has each blob read, and what is rotten found", async () => {
    await client.image(["a layer", "another layer"], "1");
    const sound = await check(storage, "--verify");
    expect(summary(sound)).toEqual([]);
    expect(sound.verified).toMatchObject({ blobs: 4, bytes: sound.totals["blobBytes"], vouchedBytes: 0 });
    const digest = sha256("another layer");
    const rotten = { Bucket: `bucket-${buckets}`, Key: `a/registry/${blobFile(digest)}`, Body: "Another layer" };
    await clientOf(gateway.target).send(new PutObjectCommand(rotten));
    expect(summary(await check(storage, "--verify"))).toEqual([`blob-corrupt team/app ${digest}`]);
  });

  test("with a lifecycle rule that deletes live images, says so, whether manifests are read or known", async () => {
    await client.image(["a layer", "another layer"], "1");
    const cache = path.join(directory, "cache");
    const found = async (...options: readonly string[]) =>
      (await check(storage, ...options)).findings.map(({ code, severity, rule, message }) => ({ code, severity, rule, message }));
    expect(await found("--cache", cache)).toEqual([]);
    const s3 = clientOf(gateway.target);
    const bucket = `bucket-${buckets}`;
    await expire(s3, bucket, "older than 90 days", "", 90);
    const about = { code: "bucket-expires", severity: "warning", rule: "older than 90 days" };
    const message = expect.stringMatching(/the rule "older than 90 days" deletes it on \d{4}-\d\d-\d\d;/) as string;
    expect(await found()).toEqual([{ ...about, message }]);
    expect(await found("--cache", cache)).toEqual([{ ...about, message }]);
    await expire(s3, bucket, "links", "a/registry/docker/registry/v2/repositories/", 30);
    expect(await found("--cache", cache)).toMatchObject([{ ...about, rule: "links" }]);
    await expire(s3, bucket, "uploads", "a/registry/docker/registry/v2/repositories/team/app/_uploads/", 7);
    expect(await found()).toEqual([]);
  });

  test("full of garbage: what is unreferenced is what the real collector would take, for a fraction of its requests", async () => {
    const untagged = await pushAndLetGo(client);
    proxy.forget();
    const taken = eligible(await registry.collect("--dry-run"));
    const collector = total(proxy);
    proxy.forget();
    const report = await check(storage, "--drop-dangling-tags");
    expect(unreferenced(report)).toEqual(taken);
    expect(taken.size).toBeGreaterThan(3);
    expect(taken).not.toContain(untagged.digest);
    expect(total(proxy)).toBe(Object.values(report.storageRequests).reduce((sum, count) => sum + count, 0));
    expect(total(proxy)).toBeLessThan(collector / 3);
  });

  test("with an upload that was never finished, says so", async () => {
    await client.image(["a layer"], "1");
    await client.startUpload(configOf("half", "a layer"));
    const report = await check(storage, "--grace", "1h");
    expect(report.totals).toMatchObject({ tags: 1 });
    expect(new Set(report.findings.map(({ code }) => code))).toEqual(new Set(["upload-active"]));
  });
});

function total(counted: LatencyProxy): number {
  return Object.values(counted.requests()).reduce((sum, count) => sum + count, 0);
}
