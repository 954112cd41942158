import { Worker } from "node:worker_threads";
import { errorMessage, EXIT_CODES, OperatorError } from "../../errors.js";
import type { StorageRequests } from "../requests.js";
import { MainThread } from "./main-thread.js";
import { addRequests, noRequests } from "../requests.js";
import type { Task, TaskOutcome, TaskResults } from "./tasks.js";
import type { Threads } from "./threads.js";

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
  readonly requests: StorageRequests;
}

/** Who hears of a task before it is done. */
interface Account {
  /** Told of what a task that may take long has read. */
  readonly onBytes?: (bytes: number) => void;
  /** To which is added what the task asked of the filesystem; by default the pool's own. */
  readonly requests?: StorageRequests;
}

interface Thread {
  readonly worker: Worker;
  readonly jobs: Map<number, Job>;
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

/**
 * Threads that make synchronous calls: promise-based `fs` costs some 80 us a small read, a synchronous call 4. Each thread has one
 * call under way, so their number is the bound on concurrency.
 */
export class WorkerPool {
  readonly requests: StorageRequests = noRequests();
  readonly #running: Thread[] = [];
  readonly #waiting: Job[] = [];
  readonly #mainThread: MainThread | undefined;
  #nextId = 0;
  #isClosed = false;
  readonly #waitsBefore = process.resourceUsage().voluntaryContextSwitches;

  constructor(
    readonly root: string,
    readonly threads: Threads,
  ) {
    if (!threads.isNetwork) this.#mainThread = new MainThread(root);
  }

  /**
   * Runs a task on the next free thread. Rejects when the thread died or the pool was closed, and with the `OperatorError` that the
   * task threw.
   */
  run<K extends Task["kind"]>(
    task: Extract<Task, { kind: K }>,
    { onBytes = () => {}, requests = this.requests }: Account = {},
  ): Promise<TaskResults[K]> {
    return new Promise<TaskResults[K]>((resolve, reject) => {
      // Work that a signal has ended goes on unheeded: it must not start threads that nobody ends.
      if (this.#isClosed) {
        reject(new PoolClosed());
        return;
      }
      const job = { task, resolve, reject, onBytes, requests };
      if (this.#running.length === 0 && this.#mainThread?.takes(task) === true) {
        answerJob(job, this.#mainThread.run(task));
        return;
      }
      this.#waiting.push(job);
      this.#assign();
    });
  }

  /** How many threads a batch can be shared by: those that start at once, or more where reading has had to wait for a disk. */
  get width(): number {
    return Math.max(this.threads.atOnce, this.#running.length);
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
    worker.on("error", (error) => this.#bury(thread, error));
    worker.on("exit", () => this.#bury(thread));
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
    answerJob(job, answer.outcome);
  }

  /** A thread that has died: its work fails, and it gets no more. */
  #bury(thread: Thread, cause?: Error): void {
    const at = this.#running.indexOf(thread);
    if (at >= 0) this.#running.splice(at, 1);
    const why = cause === undefined ? "" : `: ${errorMessage(cause)}`;
    const error = new OperatorError(`a thread of the storage ended before its work was done${why}`, EXIT_CODES.incomplete, {
      cause,
    });
    for (const job of thread.jobs.values()) job.reject(error);
    thread.jobs.clear();
    this.#assign();
  }
}

/** Tells whoever has asked for a task what it came to. */
function answerJob({ resolve, reject, requests }: Job, outcome: TaskOutcome): void {
  addRequests(requests, outcome.requests);
  if ("refusal" in outcome) {
    // A message between threads keeps of an error neither its class nor its fields.
    const { message, exitCode, cause } = outcome.refusal;
    reject(new OperatorError(message, exitCode, { cause }));
    return;
  }
  // A task is answered with its own kind of result; the type of `run` ties the two together.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  resolve(outcome.result as never);
}
