import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { RegistryBuilder } from "../support/builder.js";
import { buildFixture } from "../support/fixture.js";
import { FIXTURE, regcheck } from "../support/run.js";
import { CREDENTIALS, startedServer, store } from "../support/s3-bucket.js";
import { temporaryDirectory } from "../support/temporary.js";

const KEYS = { AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId, AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey };

describe("regcheck manifests", () => {
  test("reads parts side by side, joins them, and a check reads only what is damaged", async () => {
    const server = await startedServer();
    store(server, buildFixture(), "md5", "root/");
    const bucket = ["s3://b/root", "--endpoint", server.endpoint];
    const cache = temporaryDirectory();
    const run = (...args: readonly string[]) => regcheck(["manifests", ...bucket, "--cache", cache, ...args], KEYS);
    const [one, other] = await Promise.all([run("--part", "0/2"), run("--part", "1/2", "--quiet")]);
    expect(one).toMatchObject({ exitCode: 0, stderr: "" });
    expect(one.stdout).toMatch(
      /^\S+\/part-0-of-2: part 0\/2: \d+ repositories, \d+ manifests read(?:, \d missing or damaged)?\n$/,
    );
    expect(other).toEqual({ exitCode: 0, stderr: "", stdout: "" });
    const part: unknown = JSON.parse(fs.readFileSync(path.join(cache, "part-1-of-2/part.json"), "utf8"));
    expect(part).toMatchObject({
      schemaVersion: "1.0",
      part: 1,
      parts: 2,
      storage: { location: "s3://b/root", server: `127.0.0.1:${server.port}` },
    });
    const merged = await run("--merge", "--cache-size", "1G");
    expect(merged).toMatchObject({ exitCode: 0, stderr: "" });
    expect(merged.stdout).toMatch(/^\S+: 2 parts, \d+ manifests, \d+\.\d+ kB\n$/);
    server.forget();
    await regcheck([...bucket, "--cache", cache, "--grace", "0"], KEYS);
    const gets = server.log.filter(({ operation, key }) => operation === "GetObject" && key.includes("/blobs/"));
    // As in a run whose cache an earlier check has filled: four that are missing or damaged, and blobs of a wrong size, which are hashed.
    // And a manifest that no revision link names, but a tag alone.
    expect(gets).toHaveLength(4 + 3 + 1);
  });

  test.each([
    [[], "give --part i/n, to read one of n parts of the manifests, or --merge, to join the parts"],
    [["--part", "0/2"], "give --cache DIR"],
    [["--part", "2/2", "--cache", "x"], "--part 2/2: the parts of 2 are 0/2 to 1/2"],
    [["--part", "0/2", "--cache", "x", "--cache-size", "1G"], "--cache-size is for the cache, not for a part of it"],
  ])("%j is refused", async (args, message) => {
    const { exitCode, stdout, stderr } = await regcheck(["manifests", "s3://b", ...args]);
    expect(stderr).toContain(`regcheck: ${message}`);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
  });

  test("told to end, it writes what it has read; run again, it reads the rest", async () => {
    const registry = new RegistryBuilder();
    for (let i = 0; i < 60; i++) registry.repository("app").image({ layers: [`layer ${i}`], tag: `v${i}` });
    const server = await startedServer();
    store(server, registry.tree);
    const cache = temporaryDirectory();
    const args = ["manifests", "s3://b", "--endpoint", server.endpoint, "--cache", cache, "--part", "0/1"];
    const program = path.resolve(import.meta.dirname, "../../dist/cli/main.js");
    server.setLatency(50);
    const child = spawn(process.execPath, [program, ...args, "--concurrency", "1"], {
      env: { PATH: process.env["PATH"], ...KEYS },
      stdio: "ignore",
    });
    const closed = new Promise((resolve) => child.on("close", resolve));
    await expect.poll(() => server.requests["GetObject"] ?? 0, { timeout: 60_000 }).toBeGreaterThan(5);
    child.kill("SIGTERM");
    expect(await closed).toBe(143);
    expect(fs.existsSync(path.join(cache, "part-0-of-1/part.json"))).toBe(false);
    server.setLatency(0);
    const { stdout } = await regcheck(args, KEYS);
    const [, read, known] = /(\d+) manifests read, (\d+) known before\n$/.exec(stdout) ?? [];
    expect(Number(read) + Number(known)).toBe(60);
    expect(Number(known)).toBeGreaterThan(3);
  });

  test("is for a bucket", async () => {
    const { exitCode, stderr } = await regcheck(["manifests", FIXTURE, "--part", "0/2", "--cache", temporaryDirectory()]);
    expect(stderr).toBe(
      `regcheck: ${FIXTURE} is a directory: manifests are read there as fast as from a cache; regcheck manifests is for a bucket\n`,
    );
    expect(exitCode).toBe(2);
  });
});

test("--cache-size goes with --cache", async () => {
  const { exitCode, stderr } = await regcheck(["s3://b", "--cache-size", "1G"]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: "regcheck: --cache-size goes with --cache\n" });
});
