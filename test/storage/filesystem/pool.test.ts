import { Worker } from "node:worker_threads";
import { expect, onTestFinished, test, vi } from "vitest";
import { OperatorError } from "#regcheck/errors.js";
import { FilesystemChanges } from "#regcheck/storage/filesystem/changes.js";
import { WorkerPool } from "#regcheck/storage/filesystem/pool.js";
import { temporaryDirectory } from "../../support/temporary.js";

/** Nothing is there: each thread has something to look for, and nothing goes. */
const files = Array.from({ length: 100_000 }, (_, i) => `f${i}`);

/** Changes by two threads that have begun, and a way to end these. */
async function changesByThreads() {
  const sent = vi.spyOn(Worker.prototype, "postMessage");
  const root = temporaryDirectory();
  const pool = new WorkerPool(root, {
    readers: 2,
    readersWhereWaiting: 2,
    lanes: 1,
    changers: 2,
    verifiers: 2,
    isNetwork: false,
  });
  onTestFinished(async () => {
    sent.mockRestore();
    await pool.close();
  });
  const changes = new FilesystemChanges(root, pool);
  await changes.remove(files.slice(0, 100), "any order");
  const kill = async (): Promise<void> => {
    for (const worker of new Set(sent.mock.contexts)) if (worker instanceof Worker) await worker.terminate();
  };
  return { changes, kill };
}

test("a thread that has died gets no more work", async () => {
  const { changes, kill } = await changesByThreads();
  await kill();
  expect(await changes.remove(files.slice(0, 100), "any order")).toHaveLength(100);
});

test("a thread that dies at its work is a line for the operator, so that a sweep ends as one that was stopped", async () => {
  const { changes, kill } = await changesByThreads();
  const removing = changes.remove(files, "any order");
  await Promise.all([expect(removing).rejects.toBeInstanceOf(OperatorError), kill()]);
});
