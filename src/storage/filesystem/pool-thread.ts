import { Worker } from "node:worker_threads";
import type { Job } from "./job.js";
import type { TaskThreadOptions } from "./task-thread.js";
import type { TaskOutcome, Waiting } from "./tasks.js";

/** What a thread says of a task, by the number that it was given under: its outcome, or how many bytes it has read since it said so last. */
export type Answer = { readonly id: number } & (
  | { readonly outcome: TaskOutcome }
  | { readonly error: unknown }
  | { readonly bytes: number }
);

/** Tasks given to one thread at a time, by how its calls wait. */
export const QUEUED: Readonly<Record<Waiting, number>> = {
  // The next is at hand when the first is done.
  none: 3,
  briefly: 3,
  // It does several of them at a time: enough for some to begin while others end.
  storage: 16,
  // What another thread could do sooner is not given to one that is busy.
  calls: 6,
};

/** For what lives shortly, of which a task makes little: with the 48 that V8 takes by itself twelve threads had 303 MB, and now 258. */
const YOUNG_MEGABYTES = 4;

/** A thread of the pool, and what it was given to do. */
export class PoolThread {
  readonly jobs = new Map<number, Job>();
  /** By its last message. */
  waiting: Waiting = "none";
  readonly #worker: Worker;

  /** `onEnd` is told, once or twice, that the thread does no more. */
  constructor(
    workerData: TaskThreadOptions,
    { onAnswer, onEnd }: { readonly onAnswer: (answer: Answer) => void; readonly onEnd: (cause?: Error) => void },
  ) {
    this.#worker = new Worker(new URL("./worker.js", import.meta.url), {
      workerData,
      // Threads print nothing; without `stderr` each would listen to the process's own, which warns of a leak at the eleventh.
      stdout: true,
      stderr: true,
      trackUnmanagedFds: false,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MEGABYTES },
    });
    this.#worker.on("message", onAnswer);
    this.#worker.on("error", onEnd);
    this.#worker.on("exit", () => onEnd());
  }

  give(id: number, job: Job): void {
    this.jobs.set(id, job);
    this.#worker.postMessage({ id, task: job.task });
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}
