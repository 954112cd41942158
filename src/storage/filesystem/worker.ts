import { parentPort, workerData } from "node:worker_threads";
import { TaskThread } from "./task-thread.js";
import type { TaskThreadOptions } from "./task-thread.js";
import type { Task, TaskOutcome } from "./tasks.js";

/** A thread of the pool: one task after the other, or several that wait, each answered under its number. */
const port = parentPort;
// The pool says it.
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const thread = new TaskThread(workerData as TaskThreadOptions);
if (port === null) throw new Error("worker.js runs as a worker thread only");

/** Bytes read until the main thread is told: a large blob takes minutes, a message some microseconds. */
const BYTES_PER_MESSAGE = 32 * 1024 ** 2;

port.on("message", ({ id, task }: { readonly id: number; readonly task: Task }) => {
  let unsaid = 0;
  const onBytes = (bytes: number): void => {
    unsaid += bytes;
    if (unsaid < BYTES_PER_MESSAGE) return;
    port.postMessage({ id, bytes: unsaid });
    unsaid = 0;
  };
  const answer = (outcome: TaskOutcome): void => {
    if (unsaid > 0) port.postMessage({ id, bytes: unsaid });
    port.postMessage({ id, outcome }, "result" in outcome ? buffersOf(outcome.result) : []);
  };
  const fail = (error: unknown): void => port.postMessage({ id, error });
  try {
    const running = thread.run(task, onBytes);
    if (running instanceof Promise) running.then(answer, fail);
    else answer(running);
  } catch (error) {
    fail(error);
  }
});

/** The memory of all typed arrays in a result: it moves to the main thread, instead of being copied. */
function buffersOf(value: unknown): ArrayBuffer[] {
  if (value instanceof Uint32Array || value instanceof Float64Array)
    return value.buffer instanceof ArrayBuffer ? [value.buffer] : [];
  if (Array.isArray(value)) return value.length > 0 && typeof value[0] === "object" ? value.flatMap(buffersOf) : [];
  // Contents of odd links are small and may share a pool: these are copied.
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return [];
  return Object.values(value).flatMap(buffersOf);
}
