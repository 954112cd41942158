import type { Worker } from "node:worker_threads";
import { describe, expect, onTestFinished, test } from "vitest";
import { check } from "#regcheck/check.js";
import { FilesystemStorage } from "#regcheck/storage/filesystem/filesystem.js";
import { RegistryBuilder } from "../../support/builder.js";
import { written } from "../../support/temporary.js";

/** Each thread makes synchronous calls, one after the other: so many threads, so many reads in flight. */
describe("--concurrency", () => {
  test.each([1, 3])("%d threads read, not more and not fewer", async (concurrency) => {
    const builder = new RegistryBuilder();
    for (let i = 0; i < 60; i++) builder.repository(`team/app-${i}`).image({ layers: [`layer ${i}`], tag: "1" });
    const running = new Set<Worker>();
    let most = 0;
    const count = (worker: Worker): void => {
      running.add(worker);
      most = Math.max(most, running.size);
      worker.on("exit", () => running.delete(worker));
    };
    process.on("worker", count);
    onTestFinished(() => void process.off("worker", count));
    const storage = FilesystemStorage.open(written(builder.tree), { concurrency });
    try {
      const policy = { deleteUntagged: false, dropDanglingTags: false, grace: 0, now: 0, pins: [] };
      await check(storage, { policy, verify: { part: 1, parts: 1 } });
    } finally {
      await storage.close();
    }
    expect(most).toBe(concurrency);
    expect(running.size).toBe(0);
  });
});
