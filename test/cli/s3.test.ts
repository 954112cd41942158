import { once } from "node:events";
import fs from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { RegistryBuilder } from "../support/builder.js";
import { buildFixture } from "../support/fixture.js";
import { problemsOf } from "../support/json-schema.js";
import { FIXTURE, regcheck } from "../support/run.js";
import { CREDENTIALS, startedServer, store } from "../support/s3-bucket.js";
import type { S3Server, ServerOptions } from "../support/s3-server/index.js";
import { garbageRegistry } from "../support/sweeping.js";
import { sweepEverything } from "../support/system-calls.js";
import { temporaryDirectory } from "../support/temporary.js";

const SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const KEYS = { AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId, AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey };
/** Nothing of the machine's own: no profile, no metadata service. */
const NO_CREDENTIALS = { HOME: "/nonexistent", AWS_EC2_METADATA_DISABLED: "true" };

async function filled(options: ServerOptions = {}, root = ""): Promise<S3Server> {
  const server = await startedServer(options);
  store(server, buildFixture(), "md5", root);
  return server;
}

describe("regcheck s3://", () => {
  test("checks a bucket; stderr stays empty", async () => {
    const server = await filled();
    const { exitCode, stdout, stderr } = await regcheck(["s3://b", "--endpoint", server.endpoint, "--grace", "0"], KEYS);
    expect(stderr).toBe("");
    expect(exitCode).toBe(1);
    expect(stdout).toContain("s3://b (s3) on ");
    expect(stdout).toMatch(/\d+ requests \(\d+ list, \d+ get, \d+ head\)\n/);
  });

  test("a sweep reports the requests that it made, those of its changes included", async () => {
    const server = await startedServer();
    store(server, garbageRegistry(1));
    const args = [...sweepEverything("s3://b", temporaryDirectory(), "--endpoint", server.endpoint), "--format", "json"];
    const { stdout } = await regcheck(args, KEYS);
    const { storageRequests } = JSON.parse(stdout) as { storageRequests: Record<string, number> };
    const made = (operations: RegExp): number =>
      Object.entries(server.requests).reduce((sum, [name, count]) => sum + (operations.test(name) ? count : 0), 0);
    expect(storageRequests).toEqual({
      list: made(/^List/),
      get: made(/^Get/),
      head: made(/^Head/),
      put: made(/^(?:Put|Copy)/),
      delete: made(/^Delete/),
    });
    expect(storageRequests["put"]).toBeGreaterThan(0);
    expect(storageRequests["delete"]).toBeGreaterThan(1);
  });

  test.each(["s3://b/some/root", "s3://b/some/root/", "s3://b/some/root/docker/registry/v2"])("%s names a root", async (url) => {
    const server = await filled({}, "some/root/");
    const { stdout } = await regcheck([url, "--endpoint", server.endpoint, "--format", "json"], KEYS);
    const report = JSON.parse(stdout) as { storage: object; totals: { repositories: number }; storageRequests: { list: number } };
    expect(report.storage).toEqual({ driver: "s3", location: "s3://b/some/root", server: `127.0.0.1:${server.port}` });
    expect(problemsOf(report)).toBe("No errors");
    expect(report.totals.repositories).toBe(15);
    expect(report.storageRequests.list).toBeGreaterThan(0);
  });

  test.each(["docker", "docker/registry", "docker/registry/v2"])(
    "s3://b/%s is the registry that lies there, beside another one",
    async (root) => {
      const server = await filled();
      const other = new RegistryBuilder();
      other.repository("other").image({ tag: "1" });
      store(server, other.tree, "md5", `${root}/`);
      const checked = async (url: string): Promise<object> => {
        const { stdout } = await regcheck([url, "--endpoint", server.endpoint, "--format", "json"], KEYS);
        const { storage, totals } = JSON.parse(stdout) as { storage: { location: string }; totals: { repositories: number } };
        return [storage.location, totals.repositories];
      };
      expect(await checked(`s3://b/${root}`)).toEqual([`s3://b/${root}`, 1]);
      expect(await checked("s3://b")).toEqual(["s3://b", 15]);
      for (const file of other.tree.files.keys()) server.remove("b", `${root}/${file}`);
      expect(await checked(`s3://b/${root}`)).toEqual(["s3://b", 15]);
    },
  );

  test("pages without a key hide nothing: neither the registry, nor that it is a pull-through cache", async () => {
    const server = await filled();
    const args = ["s3://b", "--endpoint", server.endpoint, "--dry-run", "--format", "json"];
    const planned = async (): Promise<object> => {
      const { stdout } = await regcheck(args, KEYS);
      const { totals, verdicts } = JSON.parse(stdout) as { totals: object; verdicts: readonly object[] };
      return { totals, verdicts };
    };
    const before = await planned();
    server.inject({ operation: "ListObjectsV2", times: Infinity, effect: { kind: "empty-first-page" } });
    expect(await planned()).toEqual(before);
    server.put("b", "scheduler-state.json", "{}");
    expect(await planned()).toMatchObject({
      verdicts: expect.arrayContaining([expect.objectContaining({ rule: "no-proxy", passed: false })]) as unknown,
    });
  });

  test.each(["s3", "s3aws"])("the registry's config names a bucket, with the driver %s", async (driver) => {
    const server = await filled({}, "root/");
    const config = path.join(temporaryDirectory(), "config.yml");
    const parameters = { region: "us-east-1", regionendpoint: server.endpoint, bucket: "b", rootdirectory: "/root" };
    const keys = { accesskey: CREDENTIALS.accessKeyId, secretkey: CREDENTIALS.secretAccessKey };
    fs.writeFileSync(config, JSON.stringify({ version: 0.1, storage: { [driver]: { ...parameters, ...keys } } }));
    const { exitCode, stdout, stderr } = await regcheck(["--config", config], NO_CREDENTIALS);
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: "" });
    expect(stdout).toContain("s3://b/root (s3)");
  });

  test.each([
    {
      name: "a wrong bucket",
      url: "s3://other",
      says: /^regcheck: s3:\/\/other: there is no such bucket \(asked at http:\S+\)\n$/,
    },
    { name: "a wrong key", url: "s3://b", env: { AWS_ACCESS_KEY_ID: "XX" }, says: /does not know this access key/ },
    { name: "a wrong secret", url: "s3://b", env: { AWS_SECRET_ACCESS_KEY: SECRET }, says: /secret key does not belong/ },
    {
      name: "no credentials",
      url: "s3://b",
      env: { ...NO_CREDENTIALS, AWS_ACCESS_KEY_ID: "" },
      says: /there are no credentials/,
    },
    { name: "a wrong region", url: "s3://far", says: /in another region: use --region eu-west-1/ },
    { name: "a wrong root", url: "s3://b/elsewhere", says: /not a registry's storage/ },
    { name: "a URL with a password", url: `s3://user:${SECRET}@b`, says: /^regcheck: "s3:\/\/…@b": expected s3:\/\/bucket/ },
    { name: "a URL with a signature", url: `s3://b/root?X-Amz-Signature=${SECRET}`, says: /"s3:\/\/b\/root…": expected s3:/ },
  ])("$name: one clear line, exit 2, no secret", async ({ url, env = {}, says }) => {
    const server = await filled({ buckets: ["b", { name: "far", region: "eu-west-1" }] });
    const { exitCode, stdout, stderr } = await regcheck([url, "--endpoint", server.endpoint], { ...KEYS, ...env });
    expect(stdout).toBe("");
    expect(stderr).toMatch(says);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    expect(stderr).not.toContain(SECRET);
    expect(exitCode).toBe(2);
  });

  test.each([
    {
      name: "of another kind",
      args: ["--endpoint", `ftp://user:${SECRET}@host`],
      says: /^regcheck: --endpoint "ftp:\/\/…@host": exp/,
    },
    {
      name: "without a scheme",
      args: ["--endpoint", "localhost:9000"],
      says: /^regcheck: --endpoint "localhost:9000": expected a URL/,
    },
    {
      name: "of the environment",
      env: { AWS_ENDPOINT_URL: `user:${SECRET}@host`, AWS_ENDPOINT_URL_S3: "" },
      says: /^regcheck: AWS_ENDPOINT_URL "…@host": expected a URL/,
    },
    {
      name: "that is not there, with a password with an @",
      args: ["--endpoint", `http://user:a@${SECRET.replaceAll("/", "")}@127.0.0.1:9`],
      says: /^regcheck: s3:\/\/b: cannot be reached at http:\/\/…@127.0.0.1:9: ECONNREFUSED/,
      exit: 3,
    },
  ])("an endpoint $name: one line, no secret", async ({ args = [], env = {}, says, exit = 2 }) => {
    const { exitCode, stdout, stderr } = await regcheck(["s3://b", ...args], { ...KEYS, ...env });
    expect(stdout).toBe("");
    expect(stderr).toMatch(says);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    expect(stderr).not.toContain(SECRET.slice(0, 10));
    expect(exitCode).toBe(exit);
  });

  test("access denied: what is needed, exit 2", async () => {
    const server = await filled();
    server.inject({ times: Infinity, effect: { kind: "error", status: 403, code: "AccessDenied" } });
    const { exitCode, stderr } = await regcheck(["s3://b", "--endpoint", server.endpoint], KEYS);
    expect(stderr).toContain("reading needs s3:ListBucket on the bucket and s3:GetObject on its objects");
    expect(exitCode).toBe(2);
  });

  test("an answer without a word, as of a proxy: its status", async () => {
    const proxy = http.createServer((_, response) => response.writeHead(502).end()).listen(0, "127.0.0.1");
    onTestFinished(() => void proxy.close());
    await once(proxy, "listening");
    const endpoint = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    const { exitCode, stderr } = await regcheck(["s3://b", "--endpoint", endpoint, "--timeout", "3s"], KEYS);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 3,
      stderr: `regcheck: s3://b: cannot be reached at ${endpoint}: HTTP 502\n`,
    });
  });

  test("no network: one line, exit 3", async () => {
    const { exitCode, stderr } = await regcheck(["s3://b", "--endpoint", "http://127.0.0.1:9"], KEYS);
    expect(stderr).toMatch(/^regcheck: s3:\/\/b: cannot be reached at http:\/\/127\.0\.0\.1:9: ECONNREFUSED.*\n$/);
    expect(exitCode).toBe(3);
  });

  test("the SDK is not loaded for a directory", async () => {
    const script = path.join(temporaryDirectory(), "loaded.cjs");
    const count = `Object.keys(require.cache).filter((file) => file.includes("@aws-sdk")).length`;
    fs.writeFileSync(script, `process.on("exit", () => process.stderr.write("loaded: " + ${count}));`);
    const loaded = async (storage: string): Promise<string> =>
      (await regcheck([storage, "--quiet"], { ...KEYS, NODE_OPTIONS: `--require ${script}` })).stderr;
    expect(await loaded(FIXTURE)).toBe("loaded: 0");
    expect(await loaded("s3://b?")).toContain("loaded: 0");
    const server = await filled();
    expect(
      (await regcheck(["s3://b", "--endpoint", server.endpoint, "--quiet"], { ...KEYS, NODE_OPTIONS: `--require ${script}` }))
        .stderr,
    ).toMatch(/^loaded: [1-9]/);
  });

  test.each(["--endpoint=http://x", "--region=x", "--read-links", "--cache=x"])(
    "%s with a directory is a mistake",
    async (option) => {
      const { exitCode, stderr } = await regcheck([temporaryDirectory(), option]);
      expect(stderr).toContain(`${option.split("=")[0]} is for a bucket`);
      expect(exitCode).toBe(2);
    },
  );
});
