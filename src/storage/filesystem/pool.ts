import { Worker } from "node:worker_threads";
import type { StorageRequests } from "../storage.js";
import type { Task, TaskOutcome, TaskResults } from "./tasks.js";

type Answer = { readonly id: number } & (
  | { readonly outcome: TaskOutcome }
  | { readonly error: unknown }
  | { readonly bytes: number }
);

interface Job {
  readonly task: Task;
  readonly resolve: (result: never) => void;
  readonly reject: (error: unknown) => void;
  readonly onBytes: (bytes: number) => void;
}

/** Tasks given to one thread at a time: the second is at hand when the first is done. A thread does one after the other. */
const QUEUED_PER_THREAD = 2;

/**
 * Threads give up their processor of themselves where they wait. With all in the cache that happens 2,500 times in 320,000 requests,
 * mostly between tasks; from a disk, up to once a request.
 */
const FEW_WAITS = 500;
const REQUESTS_PER_WAIT = 20;

/** What work on a closed pool is told. */
class PoolClosed extends Error {
  override readonly name = "PoolClosed";
  constructor() {
    super("the storage is closed");
  }
}

/** How many threads there are: at most `most`, of which those beyond `atOnce` start if the others wait for a disk. */
export interface Threads {
  readonly most: number;
  readonly atOnce: number;
}

/**
 * Threads that make synchronous calls: promise-based `fs` costs some 80 us a small read, a synchronous call 4. Each thread has one
 * call under way, so their number is the bound on concurrency.
 */
export class WorkerPool {
  readonly requests: StorageRequests = { list: 0, get: 0, head: 0, put: 0, delete: 0 };
  readonly #running: { readonly worker: Worker; readonly jobs: Map<number, Job> }[] = [];
  readonly #waiting: Job[] = [];
  #nextId = 0;
  #isClosed = false;
  readonly #waitsBefore = process.resourceUsage().voluntaryContextSwitches;

  constructor(
    readonly root: string,
    readonly threads: Threads,
  ) {}

  /**
   * Runs a task on the next free thread. Rejects when the thread died or the pool was closed. `onBytes` hears of what a task that may
   * take long has read.
   */
  run<K extends Task["kind"]>(
    task: Extract<Task, { kind: K }>,
    onBytes: (bytes: number) => void = () => {},
  ): Promise<TaskResults[K]> {
    return new Promise<TaskResults[K]>((resolve, reject) => {
      // Work that a signal has ended goes on unheeded: it must not start threads that nobody ends.
      if (this.#isClosed) {
        reject(new PoolClosed());
        return;
      }
      this.#waiting.push({ task, resolve, reject, onBytes });
      this.#assign();
    });
  }

  /** Ends the threads; what is under way is rejected. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const job of this.#waiting.splice(0)) job.reject(new PoolClosed());
    const threads = this.#running.splice(0);
    await Promise.all(threads.map(({ worker }) => worker.terminate()));
  }

  #assign(): void {
    for (let [job] = this.#waiting; job !== undefined; [job] = this.#waiting) {
      const thread = this.#freeThread(job.task);
      if (thread === undefined) return;
      this.#waiting.shift();
      const id = this.#nextId++;
      thread.jobs.set(id, job);
      thread.worker.postMessage({ id, task: job.task });
    }
  }

  #freeThread({ kind }: Task) {
    const idle = this.#running.find(({ jobs }) => jobs.size === 0);
    if (idle !== undefined) return idle;
    const { most, atOnce } = this.threads;
    // A blob may take an hour: nothing waits behind it while there may be another thread.
    const isLong = kind === "verify";
    const running = this.#running.length;
    if (running < atOnce || (running < most && (isLong || this.#waitsForDisk()))) return this.#startThread();
    return isLong ? undefined : this.#running.find(({ jobs }) => jobs.size < QUEUED_PER_THREAD);
  }

  /** Whether the threads spend their time waiting for the storage. Says nothing of a machine that is busy with other work. */
  #waitsForDisk(): boolean {
    const waits = process.resourceUsage().voluntaryContextSwitches - this.#waitsBefore;
    const { list, get, head } = this.requests;
    return waits > FEW_WAITS + (list + get + head) / REQUESTS_PER_WAIT;
  }

  #startThread() {
    // Threads print nothing; without `stderr` each would listen to the process's own, which warns of a leak at the eleventh.
    const options = { workerData: this.root, stdout: true, stderr: true };
    const worker = new Worker(new URL("./worker.js", import.meta.url), options);
    const jobs = new Map<number, Job>();
    const thread = { worker, jobs };
    worker.on("message", (answer: Answer) => {
      this.#settle(jobs, answer);
      this.#assign();
    });
    worker.on("error", (error) => this.#fail(jobs, error));
    worker.on("exit", () => this.#fail(jobs, new Error("a reading thread ended before its work was done")));
    this.#running.push(thread);
    return thread;
  }

  #settle(jobs: Map<number, Job>, answer: Answer): void {
    const job = jobs.get(answer.id);
    if (job === undefined) return;
    if ("bytes" in answer) {
      job.onBytes(answer.bytes);
      return;
    }
    jobs.delete(answer.id);
    if ("error" in answer) {
      job.reject(answer.error);
      return;
    }
    const { requests, result } = answer.outcome;
    this.requests.list += requests.list;
    this.requests.get += requests.get;
    this.requests.head += requests.head;
    // The thread answers a task with its own kind of result; the type of `run` ties the two together.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    job.resolve(result as never);
  }

  #fail(jobs: Map<number, Job>, error: Error): void {
    for (const job of jobs.values()) job.reject(error);
    jobs.clear();
  }
}
