import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { RegistryBuilder } from "../support/builder.js";
import { CREDENTIALS, startedServer, store } from "../support/s3-bucket.js";
import { temporaryDirectory } from "../support/temporary.js";

const KEYS = { AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId, AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey };
const PROGRAM = path.resolve(import.meta.dirname, "../../dist/program/main.js");
/** Images, each of which takes a request for its manifest, and several pages of listings. */
const IMAGES = 60;
/** Requests that are under way when the signal comes, and those that look for a lock, take it away and look whether it is gone. */
const LAST_REQUESTS = 8;

/** A bucket that takes a whole run some seconds, and a run in it that got a SIGTERM in the middle. */
async function ended(args: (directory: string) => readonly string[]) {
  const registry = new RegistryBuilder();
  for (let i = 0; i < IMAGES; i++) registry.repository("app").image({ layers: [`layer ${i}`], tag: `v${i}` });
  const server = await startedServer();
  store(server, registry.tree);
  server.inject({ operation: "ListObjectsV2", times: Infinity, effect: { kind: "short-pages", keys: 10 } });
  server.setLatency(20);
  const directory = temporaryDirectory();
  const words = [...args(directory), "--endpoint", server.endpoint, "--concurrency", "2"];
  const child = spawn(process.execPath, [PROGRAM, ...words], {
    env: { PATH: process.env["PATH"], LANG: "C.UTF-8", HOME: directory, ...KEYS },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const closed = new Promise((resolve) => child.on("close", resolve));
  await expect.poll(() => server.log.length, { timeout: 20_000, interval: 5 }).toBeGreaterThan(20);
  const before = server.log.length;
  child.kill("SIGTERM");
  const exitCode = await closed;
  return { exitCode, stderr, after: server.log.length - before, directory, server };
}

const STOPPED = ["--registry-stopped", "--journal-dir"];

describe("a run on S3 ends with the first signal, and asks for nothing more", () => {
  test.each<[string, (directory: string) => readonly string[]]>([
    ["check", () => ["s3://b"]],
    ["check --cache", (directory) => ["s3://b", "--cache", path.join(directory, "cache")]],
    ["check --verify", () => ["s3://b", "--verify"]],
    ["explain", () => ["explain", "app:v1", "--storage", "s3://b"]],
    ["export", (directory) => ["export", path.join(directory, "out"), "s3://b"]],
    ["manifests", (directory) => ["manifests", "s3://b", "--part", "0/1", "--cache", path.join(directory, "cache")]],
    ["untag by a glob", () => ["untag", "app:*", "--storage", "s3://b"]],
    ["repair", () => ["repair", "--storage", "s3://b"]],
    ["the plan of a sweep", (directory) => ["s3://b", "--sweep", ...STOPPED, directory]],
    ["the rehearsal of a sweep", (directory) => ["s3://b", "--dry-run", ...STOPPED, directory]],
  ])("%s", async (_, args) => {
    const { exitCode, stderr, after, directory, server } = await ended(args);
    expect({ exitCode, stderr }).toEqual({ exitCode: 143, stderr: "regcheck: stopped by SIGTERM\n" });
    expect(after).toBeLessThanOrEqual(LAST_REQUESTS);
    expect([...server.objects("b").keys()].filter((key) => key.startsWith("regcheck/"))).toEqual([]);
    expect(fs.existsSync(path.join(directory, "out/export.json"))).toBe(false);
  });
});
