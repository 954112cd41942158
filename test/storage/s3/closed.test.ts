import fs from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test, vi } from "vitest";
import { check } from "#regcheck/check.js";
import type { S3Options } from "#regcheck/storage/s3/options.js";
import { S3Storage } from "#regcheck/storage/s3/s3.js";
import { RegistryBuilder } from "../../support/builder.js";
import { optionsFor, startedServer, store } from "../../support/s3-bucket.js";
import { temporaryDirectory } from "../../support/temporary.js";

const POLICY = { deleteUntagged: false, dropDanglingTags: false, grace: 0, now: Math.floor(Date.now() / 1000), pins: [] };
const MANIFESTS = 200;
const CONCURRENCY = 4;

/** A check whose storage is closed in the middle, as a signal does it; what was asked and written after that. */
async function closedInTheMiddle(more: Partial<S3Options> = {}) {
  const builder = new RegistryBuilder();
  for (let i = 0; i < MANIFESTS; i++) builder.repository("app").image({ layers: [`layer ${i}`], tag: `${i}` });
  const server = await startedServer({ latency: 2 });
  store(server, builder.tree);
  const storage = new S3Storage(optionsFor(server, { concurrency: CONCURRENCY, ...more }));
  const running = check(storage, { policy: POLICY }).catch(() => {});
  await vi.waitUntil(() => (server.requests["GetObject"] ?? 0) > 20, { timeout: 20_000, interval: 1 });
  await storage.close();
  const asked = server.log.length;
  await running;
  await sleep(50);
  return { askedAfter: server.log.length - asked };
}

describe("a storage that is closed", () => {
  test("asks for nothing more, though the work that reads it goes on", async () => {
    // What was sent before may come in after.
    expect((await closedInTheMiddle()).askedAfter).toBeLessThanOrEqual(CONCURRENCY);
  });

  test("and writes nothing more into its cache, whose entries it does not ask for either", async () => {
    const cache = temporaryDirectory();
    const { askedAfter } = await closedInTheMiddle({ cache });
    expect(askedAfter).toBeLessThanOrEqual(CONCURRENCY);
    expect(fs.readdirSync(cache)).toHaveLength(1);
  });

  test.each([
    ["a listing", (storage: S3Storage) => storage.markers()],
    ["an object", (storage: S3Storage) => storage.modified(["docker/registry/v2/x"])],
  ])("waits for no further attempt at %s", async (_, ask) => {
    const server = await startedServer();
    const headers = { "retry-after": "20" };
    server.inject({ times: Infinity, effect: { kind: "error", status: 503, code: "SlowDown", headers } });
    const storage = new S3Storage(optionsFor(server));
    const asking = ask(storage).catch(() => {});
    await vi.waitUntil(() => server.log.length > 0, { timeout: 20_000, interval: 1 });
    await sleep(50);
    const begun = performance.now();
    await storage.close();
    await asking;
    expect(performance.now() - begun).toBeLessThan(5000);
  });
});
