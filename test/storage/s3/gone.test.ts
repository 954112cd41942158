import { describe, expect, test } from "vitest";
import { check } from "#regcheck/check.js";
import { retriesFor } from "#regcheck/storage/s3/options.js";
import { S3Storage } from "#regcheck/storage/s3/s3.js";
import { detailOf } from "#regcheck/report/finding-words.js";
import { RegistryBuilder } from "../../support/builder.js";
import { regcheck } from "../../support/run.js";
import { CREDENTIALS, optionsFor, retriesDuring, startedServer, store } from "../../support/s3-bucket.js";
import type { Effect } from "../../support/s3-server/index.js";

const POLICY = { deleteUntagged: false, dropDanglingTags: false, grace: 0, now: Math.floor(Date.now() / 1000), pins: [] };
const MANIFESTS = 300;

function manyManifests() {
  const builder = new RegistryBuilder();
  const app = builder.repository("team/app");
  for (let i = 0; i < MANIFESTS; i++) app.image({ layers: [`layer ${i}`], tag: `${i}` });
  return builder.tree;
}

describe("a server that goes in the middle of a check", () => {
  test.each<[string, Effect]>([
    ["hangs", { kind: "stall" }],
    ["breaks each connection", { kind: "reset" }],
    ["answers with errors alone", { kind: "error", status: 500, code: "InternalError" }],
  ])("and %s is not asked for each of the objects that are left", async (_, effect) => {
    const server = await startedServer();
    store(server, manyManifests());
    const fault = server.inject({ operation: "GetObject", skip: 20, times: Number.POSITIVE_INFINITY, effect });
    const retries = { ...retriesDuring(effect, 2), ...(effect.kind === "stall" ? { patience: 7000 } : {}) };
    const storage = new S3Storage(optionsFor(server, { concurrency: 8, retries }));
    const report = await check(storage, { policy: POLICY }).finally(() => void storage.close());
    expect(report.complete).toBe(false);
    expect(fault.hits()).toBeLessThan(MANIFESTS / 4);
    const causes = [...report.findings(["storage-unreadable"])].map(detailOf);
    expect(causes).toContainEqual(expect.stringMatching(/^not asked any more: the server has not answered for \d+ s$/));
  });

  test("and answers again is asked again", async () => {
    const server = await startedServer();
    store(server, manyManifests());
    server.inject({ operation: "GetObject", skip: 20, times: 10, effect: { kind: "reset" } });
    const storage = new S3Storage(
      optionsFor(server, { concurrency: 8, retries: { attempts: 4, delay: 20, timeout: 20_000, patience: 60_000 } }),
    );
    const report = await check(storage, { policy: POLICY }).finally(() => void storage.close());
    expect(report.complete).toBe(true);
  });
});

describe("the patience with a server", () => {
  const KEYS = { AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId, AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey };

  test("is a minute: no attempt is begun that would end later", () => {
    const { timeout, patience, delay } = retriesFor();
    expect(patience).toBe(60_000);
    expect(2 * timeout + delay).toBeLessThanOrEqual(60_000);
  });

  test("is what --timeout says, and then the server is named", async () => {
    const server = await startedServer();
    server.inject({ times: Number.POSITIVE_INFINITY, effect: { kind: "stall" } });
    const began = performance.now();
    const { exitCode, stderr } = await regcheck(["s3://b", "--endpoint", server.endpoint, "--timeout", "3s"], KEYS);
    // Less than the patience where nothing is said; the start of the program is in it.
    expect(performance.now() - began).toBeLessThan(40_000);
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(
      new RegExp(`^regcheck: s3://b: cannot be reached at ${server.endpoint}: [A-Za-z]+: no answer in time\n$`),
    );
  });
});
