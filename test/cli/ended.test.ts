import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { describe, expect, test, vi } from "vitest";
import { RegistryBuilder } from "../support/builder.js";
import { inventoryFiles } from "../support/inventory.js";
import { CREDENTIALS, startedServer, store } from "../support/s3-bucket.js";
import type { S3Server } from "../support/s3-server/index.js";
import { temporaryDirectory } from "../support/temporary.js";

const KEYS = { AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId, AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey };
const PROGRAM = path.resolve(import.meta.dirname, "../../dist/program/main.js");
/** Images, each of which takes a request for its manifest, and several pages of listings. */
const IMAGES = 60;
/** Requests that are under way when the signal comes, and those that look for a lock, take it away and look whether it is gone. */
const LAST_REQUESTS = 8;

/** Starts a run on a server, and sends it a SIGTERM at its time. */
async function endedAt(isTime: () => boolean, server: S3Server, directory: string, words: readonly string[]) {
  const child = spawn(process.execPath, [PROGRAM, ...words, "--endpoint", server.endpoint], {
    env: { PATH: process.env["PATH"], LANG: "C.UTF-8", HOME: directory, TMPDIR: directory, ...KEYS },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const closed = new Promise((resolve) => child.on("close", resolve));
  await vi.waitUntil(isTime, { timeout: 20_000, interval: 5 });
  const [before, begun] = [server.log.length, performance.now()];
  child.kill("SIGTERM");
  const exitCode = await closed;
  const milliseconds = performance.now() - begun;
  return { exitCode, stderr, after: server.log.length - before, milliseconds };
}

/** A bucket that takes a whole run some seconds, and a run in it that got a SIGTERM in the middle. */
async function ended(args: (directory: string) => readonly string[]) {
  const registry = new RegistryBuilder();
  for (let i = 0; i < IMAGES; i++) registry.repository("app").image({ layers: [`layer ${i}`], tag: `v${i}` });
  const server = await startedServer();
  store(server, registry.tree);
  server.inject({ operation: "ListObjectsV2", times: Infinity, effect: { kind: "short-pages", keys: 10 } });
  server.setLatency(20);
  const directory = temporaryDirectory();
  const run = await endedAt(() => server.log.length >= 20, server, directory, [...args(directory), "--concurrency", "2"]);
  return { ...run, directory, server };
}

const RUN = "20260101T000000000Z-abcdef";
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

describe("a run ends with the first signal where the server does not answer", () => {
  test.each<[string, (directory: string) => readonly string[]]>([
    ["check", () => ["s3://b"]],
    ["runs", (directory) => ["runs", "s3://b", "--journal-dir", directory]],
    ["unlock", () => ["unlock", "s3://b", "--registry-stopped"]],
    ["unlock --dry-run", () => ["unlock", "s3://b", "--registry-stopped", "--dry-run"]],
    ["purge --older-than", (directory) => ["purge", "--older-than", "1d", "--storage", "s3://b", "--journal-dir", directory]],
    ["restore", (directory) => ["restore", RUN, "--storage", "s3://b", "--journal-dir", directory]],
    ["an inventory that is looked for", () => ["s3://b", "--inventory", "s3://inv/weekly"]],
    ["an inventory that is exported", (directory) => ["export", `${directory}/out`, "s3://b", "--inventory", "s3://inv/weekly"]],
  ])("%s", async (_, args) => {
    const server = await startedServer({ buckets: ["b", "inv"] });
    server.inject({ times: Infinity, effect: { kind: "stall" } });
    const directory = temporaryDirectory();
    const { exitCode, stderr, milliseconds } = await endedAt(() => server.log.length > 0, server, directory, args(directory));
    expect({ exitCode, stderr }).toEqual({ exitCode: 143, stderr: "regcheck: stopped by SIGTERM\n" });
    expect(milliseconds).toBeLessThan(10_000);
  });

  test("while a file of an inventory is read, and leaves nothing of it", async () => {
    const server = await startedServer({ buckets: ["b", "inv"] });
    for (const [key, content] of inventoryFiles([], { folder: "2026-11-26T01-00Z" })) server.put("inv", key, content);
    const fault = server.inject({ key: /parquet$/, times: Infinity, effect: { kind: "stall" } });
    const directory = temporaryDirectory();
    const name = "s3://inv/inventories/b/weekly";
    const ending = endedAt(() => fault.hits() > 0, server, directory, ["s3://b", "--inventory", name]);
    expect(await ending).toMatchObject({ exitCode: 143, stderr: "regcheck: stopped by SIGTERM\n" });
    expect(fs.readdirSync(directory).filter((file) => file.startsWith("regcheck-"))).toEqual([]);
  });
});
