import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout } from "node:timers/promises";
import { CreateBucketCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import pLimit from "p-limit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startLatencyProxy } from "../bench/latency-proxy.js";
import type { LatencyProxy } from "../bench/latency-proxy.js";
import { RegistryBuilder } from "../support/builder.js";
import { clientOf } from "../support/s3-server/contract.js";
import { regcheck } from "../support/run.js";
import { Radosgw } from "./support/radosgw.js";

process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] = "true";

const MAIN = path.resolve(import.meta.dirname, "../../dist/cli/main.js");
const PARTS = 4;
/** Milliseconds of a request. */
const LATENCY = 20;
const base = fs.mkdtempSync(path.join(os.tmpdir(), "regcheck-e2e-manifests-"));
const cache = path.join(base, "cache");
let gateway: Radosgw;
let proxy: LatencyProxy;

beforeAll(async () => {
  fs.mkdirSync(path.join(base, "ceph"));
  gateway = await Radosgw.start(path.join(base, "ceph"));
  proxy = await startLatencyProxy(gateway.endpoint, LATENCY);
  const builder = new RegistryBuilder();
  for (let i = 0; i < 400; i++)
    builder.repository(`team-${i % 7}/app`).image({ config: `{"n":${i}}`, layers: [`layer ${i % 50}`], tag: `v${i}` });
  const client = clientOf(gateway.target);
  await client.send(new CreateBucketCommand({ Bucket: "bucket" }));
  const limit = pLimit(16);
  const put = (Key: string, Body: Buffer) => client.send(new PutObjectCommand({ Bucket: "bucket", Key, Body }));
  await Promise.all([...builder.tree.files].map(([key, { content }]) => limit(put, key, Buffer.from(content))));
});

afterAll(async () => {
  await proxy.stop();
  await gateway.stop();
  fs.rmSync(base, { recursive: true, force: true });
});

const environment = () => {
  const { accessKeyId, secretAccessKey } = gateway.target;
  return { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_REGION: "us-east-1" };
};

const bucket = () => ["s3://bucket", "--endpoint", proxy.endpoint];
const manifests = (...args: readonly string[]) => regcheck(["manifests", ...bucket(), "--cache", cache, ...args], environment());
const readPart = (part: number) => manifests("--part", `${part}/${PARTS}`);

/** Begins to read a part, a request at a time and so slowly that it is not done for half a minute, and kills it in the middle. */
async function killPart(part: number): Promise<void> {
  proxy.setLatency(300);
  const args = ["manifests", ...bucket(), "--cache", cache, "--part", `${part}/${PARTS}`, "--concurrency", "1", "--quiet"];
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { PATH: process.env["PATH"], ...environment() },
    stdio: "ignore",
  });
  const ended = once(child, "exit");
  const folder = path.join(cache, `part-${part}-of-${PARTS}`);
  while (!fs.existsSync(folder) && child.exitCode === null) await setTimeout(20);
  await setTimeout(1000);
  child.kill("SIGKILL");
  const [, signal] = (await ended) as [unknown, string | null];
  expect(signal).toBe("SIGKILL");
  proxy.setLatency(LATENCY);
}

interface Report {
  readonly findings: readonly unknown[];
  readonly totals: object;
  readonly reclaimable: object;
  readonly repositories: readonly unknown[];
  readonly storageRequests: { readonly list: number; readonly get: number };
}

async function checked(...args: readonly string[]): Promise<Report> {
  const { stdout, stderr } = await regcheck([...bucket(), "--grace", "0", "--format", "json", ...args], environment());
  expect(stderr).toBe("");
  return JSON.parse(stdout) as Report;
}

const contentOf = ({ findings, totals, reclaimable, repositories }: Report) => ({
  findings,
  totals,
  reclaimable,
  repositories,
});

test("four parts side by side, one of them killed and begun again: a check with the joined cache reads no manifest", async () => {
  const without = await checked();
  expect(without.storageRequests.get).toBe(400);
  const [, ...others] = await Promise.all([killPart(2), readPart(0), readPart(1), readPart(3)]);
  for (const run of others) expect(run).toMatchObject({ exitCode: 0, stderr: "" });
  const early = await manifests("--merge");
  expect(early).toMatchObject({ exitCode: 2, stdout: "" });
  expect(early.stderr).toContain(`part 2/${PARTS} was not finished`);
  expect(await readPart(2)).toMatchObject({ exitCode: 0, stderr: "" });
  const merged = await manifests("--merge");
  expect(merged).toMatchObject({ exitCode: 0, stderr: "" });
  expect(merged.stdout).toContain("4 parts, 400 manifests");
  const after = await checked("--cache", cache);
  expect(after.storageRequests.get).toBe(0);
  expect(contentOf(after)).toEqual(contentOf(without));
});
