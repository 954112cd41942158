import { errorMessage, EXIT_CODES, OperatorError } from "../../errors.js";
import { StorageClosed } from "../closed.js";
import { answerJob } from "./job.js";
import type { Job } from "./job.js";
import type { StorageRequests } from "../requests.js";
import { noRequests } from "../requests.js";
import { PoolThread, QUEUED } from "./pool-thread.js";
import type { Answer } from "./pool-thread.js";
import { TaskThread } from "./task-thread.js";
import type { TaskThreadOptions } from "./task-thread.js";
import { isReading } from "./tasks.js";
import type { Task, TaskOutcome, TaskResults } from "./tasks.js";
import type { Threads } from "./threads.js";

/** Receives the progress of a task. */
interface Account {
  /** Told of what a task that may take long has read. */
  readonly onBytes?: (bytes: number) => void;
  /** To which is added what the task asked of the filesystem; by default the pool's own. */
  readonly requests?: StorageRequests;
}

/** Milliseconds of processor time after which other threads are worth their start, which takes one as long. */
const WORTH_THREADS = 100;

/** Bytes that are hashed sooner than a thread starts. */
const SHORT_BYTES = 4 * 1024 ** 2;

/**
 * Threads that make synchronous calls: promise-based `fs` costs some 80 us a small read, a synchronous call 4. The main thread is one of
 * those that read: between other things, and at first alone, for a small registry needs no other.
 */
export class WorkerPool {
  readonly requests: StorageRequests = noRequests();
  readonly #running: PoolThread[] = [];
  readonly #waiting: Job[] = [];
  readonly #mainThread: TaskThread;
  readonly #began = process.cpuUsage();
  /** Milliseconds of processor time since then, as far as that matters. */
  #worked = 0;
  /** Bytes of blobs that it was to hash. */
  #hashed = 0;
  /** Tasks of the main thread that wait. */
  #underWay = 0;
  /** Threads that read, the main thread among them: more of them, the more of their calls wait briefly. */
  #readers: number;
  #isScheduled = false;
  #nextId = 0;
  #isClosed = false;

  constructor(
    readonly root: string,
    readonly threads: Threads,
  ) {
    this.#readers = threads.readers;
    this.#mainThread = new TaskThread({ root, lanes: threads.lanes, isNetwork: threads.isNetwork, isMain: true });
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
        reject(new StorageClosed());
        return;
      }
      const job = { task, resolve, reject, onBytes, requests };
      if (this.#running.length === 0 && this.#isShort(task)) {
        this.#doHere(job);
        return;
      }
      this.#waiting.push(job);
      this.#assign();
    });
  }

  /** How many threads a batch of changes can be shared by. */
  get width(): number {
    return this.threads.changers;
  }

  /** How many reading tasks it takes to keep all threads busy. */
  get lookahead(): number {
    const each = this.#waits ? QUEUED.storage : QUEUED.none;
    return this.#readers * each;
  }

  /** Whether each call waits for so short a time that only more threads help: then the main one is there for what they send. */
  get waitsBriefly(): boolean {
    return this.#running.some(({ waiting }) => waiting === "briefly");
  }

  get #waits(): boolean {
    return this.#underWay > 0 || this.#running.some(({ waiting }) => waiting === "storage" || waiting === "calls");
  }

  /** Ends the threads; what is under way is rejected. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const job of this.#waiting.splice(0)) job.reject(new StorageClosed());
    const threads = this.#running.splice(0);
    await Promise.all(threads.map((thread) => thread.end()));
  }

  /** Whether a task is done sooner than another thread has started, as far as that is known before. */
  #isShort(task: Task): boolean {
    if (task.kind !== "verify") return isReading(task) && this.#worked < WORTH_THREADS;
    this.#hashed += task.selection.sizes.reduce((sum, size) => sum + size, 0);
    return this.#hashed <= SHORT_BYTES;
  }

  #assign(): void {
    for (let [job] = this.#waiting; job !== undefined; [job] = this.#waiting) {
      const thread = this.#freeThread(job.task);
      if (thread === undefined) break;
      this.#waiting.shift();
      thread.give(this.#nextId++, job);
    }
    this.#scheduleHere();
  }

  #freeThread(task: Task) {
    const idle = this.#running.find(({ jobs }) => jobs.size === 0);
    if (idle !== undefined) return idle;
    const { changers, verifiers } = this.threads;
    // A blob may take an hour: nothing waits behind it while there may be another thread.
    const isLong = task.kind === "verify";
    const most = isLong ? verifiers : isReading(task) ? this.#readers - 1 : changers;
    if (this.#running.length < most) return this.#startThread();
    return isLong ? undefined : this.#running.find((thread) => thread.jobs.size < QUEUED[thread.waiting]);
  }

  /** The main thread takes a task that nobody else has taken, and receives all messages before the next one. */
  #scheduleHere(): void {
    if (
      this.#isScheduled ||
      this.waitsBriefly ||
      this.#underWay >= QUEUED[this.#mainThread.waiting] ||
      !this.#waiting.some(({ task }) => isReading(task))
    )
      return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      const at = this.#waiting.findIndex(({ task }) => isReading(task));
      const [job] = at < 0 ? [] : this.#waiting.splice(at, 1);
      if (job !== undefined) this.#doHere(job);
      this.#assign();
    });
  }

  #doHere(job: Job): void {
    try {
      const running = this.#mainThread.run(job.task, job.onBytes);
      if (running instanceof Promise) void this.#waitHere(job, running);
      else this.#answer(job, running);
    } catch (error) {
      job.reject(error);
    }
    if (this.#worked < WORTH_THREADS) this.#worked = this.#processorTime();
  }

  #processorTime(): number {
    const { user, system } = process.cpuUsage(this.#began);
    return (user + system) / 1000;
  }

  async #waitHere(job: Job, running: Promise<TaskOutcome>): Promise<void> {
    this.#underWay++;
    // Where calls wait, all threads are worth their start.
    this.#worked = WORTH_THREADS;
    try {
      answerJob(job, await running);
    } catch (error) {
      job.reject(error);
    }
    this.#underWay--;
    this.#assign();
  }

  #startThread(): PoolThread {
    const { readers, lanes: most, isNetwork } = this.threads;
    // Beyond the first, which share the calls with the main thread, each makes one at a time.
    const lanes = this.#running.length < readers - 1 ? most : 1;
    const options: TaskThreadOptions = { root: this.root, lanes, isNetwork, isMain: false };
    const thread = new PoolThread(options, {
      onAnswer: (answer) => {
        this.#settle(thread, answer);
        this.#assign();
      },
      onEnd: (cause) => this.#bury(thread, cause),
    });
    this.#running.push(thread);
    return thread;
  }

  #settle(thread: PoolThread, answer: Answer): void {
    const { jobs } = thread;
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
    thread.waiting = answer.outcome.waiting;
    this.#answer(job, answer.outcome);
  }

  #answer(job: Job, outcome: TaskOutcome): void {
    if (outcome.waiting === "briefly") {
      this.#worked = WORTH_THREADS;
      this.#readers = Math.min(Math.ceil(this.#readers * 1.5), this.threads.readersWhereWaiting);
    }
    answerJob(job, outcome);
  }

  /** A thread that has died: its work fails, and it gets no more. */
  #bury(thread: PoolThread, cause?: Error): void {
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
