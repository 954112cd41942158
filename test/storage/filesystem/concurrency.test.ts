import os from "node:os";
import type { Worker } from "node:worker_threads";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { check } from "#regcheck/check.js";
import { FilesystemStorage } from "#regcheck/storage/filesystem/filesystem.js";
import { WorkerPool } from "#regcheck/storage/filesystem/pool.js";
import { callsTake } from "../../support/calls-take.js";
import { threadsFor } from "#regcheck/storage/filesystem/threads.js";
import { RegistryBuilder } from "../../support/builder.js";
import { temporaryDirectory, written } from "../../support/temporary.js";

/** How many threads a check runs at a time, besides the main one. */
async function threadsOf(concurrency: number | undefined): Promise<number> {
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
  makeWorkLong();
  const storage = FilesystemStorage.open(written(builder.tree), { concurrency });
  try {
    const policy = { deleteUntagged: false, dropDanglingTags: false, grace: 0, now: 0, pins: [] };
    await check(storage, { policy, verify: { part: 1, parts: 1 } });
  } finally {
    await storage.close();
  }
  expect(running.size).toBe(0);
  return most;
}

/** Makes the work take much of a processor, so that the main thread does not do it by itself. */
function makeWorkLong(): void {
  const spy = vi.spyOn(process, "cpuUsage").mockImplementation(() => ({ user: 1e6, system: 0 }));
  onTestFinished(() => spy.mockRestore());
}

test("a small registry is read without any thread", async () => {
  const started = vi.fn<(worker: Worker) => void>();
  process.on("worker", started);
  onTestFinished(() => void process.off("worker", started));
  const builder = new RegistryBuilder();
  builder.repository("team/app").image({ layers: ["a layer"], tag: "1" });
  const storage = FilesystemStorage.open(written(builder.tree), { concurrency: 2 });
  const policy = { deleteUntagged: false, dropDanglingTags: false, grace: 0, now: 0, pins: [] };
  expect((await check(storage, { policy })).totals).toMatchObject({ tags: 1, layerLinks: 2, blobs: 3 });
  await storage.close();
  expect(started).not.toHaveBeenCalled();
});

describe("--concurrency", () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 17, 24, 64, 100, 1024])(
    "%d: no more calls are under way, whatever waits",
    (concurrency) => {
      const { readers, readersWhereWaiting, lanes } = threadsFor(".", concurrency);
      expect(readers * lanes + readersWhereWaiting - readers).toBeLessThanOrEqual(concurrency);
      expect(lanes).toBeGreaterThan(0);
    },
  );

  /** The main thread is one of those that read, and verifies what is small. */
  const threads = (readers: number): number => Math.min(16, os.availableParallelism(), readers) - 1;

  test.each([1, 3, 64])("%d calls take no more threads than there are processors", async (concurrency) => {
    expect(await threadsOf(concurrency)).toBe(threads(concurrency));
  });

  test("by default a thread for each processor", async () => {
    expect(await threadsOf(undefined)).toBe(threads(16));
  });
});

test("where each call of a registry waits for a short time, there are more threads than processors", async () => {
  const started = vi.fn<(worker: Worker) => void>();
  process.on("worker", started);
  onTestFinished(() => void process.off("worker", started));
  callsTake({ milliseconds: 0.2, busy: 0.1 });
  const threads = { readers: 1, readersWhereWaiting: 3, lanes: 8, changers: 1, verifiers: 1, isNetwork: false };
  const pool = new WorkerPool(temporaryDirectory(), threads);
  const paths = Array.from({ length: 500 }, (_, i) => `nothing-${i}`);
  const tasks = Array.from({ length: 20 }, () => pool.run<"modified">({ kind: "modified", paths }));
  expect(await Promise.all(tasks)).toHaveLength(20);
  await pool.close();
  // The threads' own calls are not slowed down, so that they ask for no more of them.
  expect(started).toHaveBeenCalledTimes(2);
});

test("a blob that takes longer to hash than a thread to start is for a thread", async () => {
  const started = vi.fn<(worker: Worker) => void>();
  process.on("worker", started);
  onTestFinished(() => void process.off("worker", started));
  const builder = new RegistryBuilder();
  builder.repository("team/app").image({ layers: ["a layer".repeat(2 ** 20)], tag: "1" });
  const storage = FilesystemStorage.open(written(builder.tree), { concurrency: 1 });
  const policy = { deleteUntagged: false, dropDanglingTags: false, grace: 0, now: 0, pins: [] };
  expect((await check(storage, { policy, verify: { part: 1, parts: 1 } })).verified).toMatchObject({ blobs: 3 });
  await storage.close();
  expect(started).toHaveBeenCalledTimes(1);
});

test("a storage that is closed starts no thread: what a signal has ended does not keep the process alive", async () => {
  let started = 0;
  const count = (): void => void started++;
  process.on("worker", count);
  onTestFinished(() => void process.off("worker", count));
  const storage = FilesystemStorage.open(written(new RegistryBuilder().tree));
  const listing = storage.repositories()[Symbol.asyncIterator]();
  await storage.close();
  await expect(listing.next()).rejects.toThrow("the storage is closed");
  await expect(storage.modified(["x"])).rejects.toThrow("the storage is closed");
  expect(started).toBe(0);
});
