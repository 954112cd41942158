import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout } from "node:timers/promises";
import { CreateBucketCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sha256, V2 } from "../support/builder.js";
import { clientOf } from "../support/s3-server/contract.js";
import { findProgram } from "./support/programs.js";
import { Radosgw } from "./support/radosgw.js";
import { REGISTRIES } from "./support/registry.js";
import type { RegistryVersion } from "./support/registry.js";
import { check } from "./support/report.js";

const base = fs.mkdtempSync(path.join(os.tmpdir(), "regcheck-e2e-purger-"));
const config = path.join(base, "config.json");
const bucket = "with-a-folder";
let gateway: Radosgw;

beforeAll(async () => {
  fs.mkdirSync(path.join(base, "ceph"));
  gateway = await Radosgw.start(path.join(base, "ceph"));
  const client = clientOf(gateway.target);
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  const digest = sha256("a layer");
  const link = `${V2}/repositories/team/app/_layers/${digest.replace(":", "/")}/link`;
  for (const [Key, Body] of [
    [link, digest],
    [`${V2}/repositories/team/`, ""],
  ] as const)
    await client.send(new PutObjectCommand({ Bucket: bucket, Key, Body, ContentLength: Body.length }));
  writeConfig();
});

afterAll(async () => {
  await gateway.stop();
  fs.rmSync(base, { recursive: true, force: true });
});

/** Of so many registries, one purges uploads at once with a probability of all but one in ten million: each draws one of 60 minutes. */
const ATTEMPTS = 1000;
const AT_ONCE = 8;
/** Milliseconds: a second for each of them, where all are started. */
const TIMEOUT = 1_200_000;

/** Starts registries on the bucket until one purges uploads at once, and waits for what comes of it. */
async function purge(version: RegistryVersion): Promise<string> {
  let ended: string | undefined;
  let attempts = 0;
  const startSome = async (_: unknown, lane: number): Promise<void> => {
    while (ended === undefined && attempts++ < ATTEMPTS) ended = (await purgeAtOnce(version, lane)) ?? ended;
  };
  await Promise.all(Array.from({ length: AT_ONCE }, startSome));
  return ended ?? `none of ${ATTEMPTS} registries purges uploads at once`;
}

/** Starts a registry. What came of its purge; undefined where it drew another minute. */
async function purgeAtOnce(version: RegistryVersion, lane: number): Promise<string | undefined> {
  const log = path.join(base, `${version}-${lane}.log`);
  const child = start(version, log);
  try {
    const text = await waitFor(log, /Starting upload purge in \S+|panic/);
    return text.includes("purge in 0s") ? await waitFor(log, /Purge uploads finished|panic: .*/) : undefined;
  } finally {
    await stop(child);
  }
}

/** Nobody asks the registries anything: they listen on any port. */
function writeConfig(): void {
  const { accessKeyId: accesskey, secretAccessKey: secretkey } = gateway.target;
  const address = { regionendpoint: gateway.endpoint, region: "us-east-1", forcepathstyle: true, secure: false };
  const storage = { s3: { accesskey, secretkey, bucket, ...address } };
  const http = { addr: "127.0.0.1:0" };
  fs.writeFileSync(config, JSON.stringify({ version: 0.1, log: { level: "info" }, storage, http }));
}

function start(version: RegistryVersion, log: string): ChildProcess {
  const output = fs.openSync(log, "w");
  const env = { PATH: process.env["PATH"], OTEL_TRACES_EXPORTER: "none" };
  const child = spawn(findProgram(REGISTRIES[version]), ["serve", config], { stdio: ["ignore", output, output], env });
  fs.closeSync(output);
  return child;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}

async function waitFor(log: string, pattern: RegExp): Promise<string> {
  for (let attempt = 0; attempt < 6000; attempt++) {
    const found = pattern.exec(fs.readFileSync(log, "utf8"));
    if (found !== null) return found[0];
    await setTimeout(20);
  }
  throw new Error(`the registry does not say ${String(pattern)}:\n${fs.readFileSync(log, "utf8")}`);
}

describe("a console's folder among repositories", () => {
  test("ends registry 2.8 as soon as it purges uploads, and regcheck says so", { timeout: TIMEOUT }, async () => {
    const { findings } = await check(["--config", config]);
    expect(findings.map(({ code }) => code)).toContain("stray-stops-registry");
    expect(await purge("2.8")).toBe("panic: runtime error: index out of range [0] with length 0");
  });

  test("does nothing to registry 3.1", { timeout: TIMEOUT }, async () =>
    expect(await purge("3.1")).toBe("Purge uploads finished"),
  );
});
