import { withAnswers, withWatch } from "./calls.js";
import { takeCounts } from "./counts.js";
import { Lanes } from "./lanes.js";
import { readAhead } from "./read-ahead.js";
import { isReading, TaskRunner } from "./tasks.js";
import type { Task, TaskOutcome, Waiting } from "./tasks.js";
import { Watch } from "./watch.js";

/** Tasks that have waited in a row after which it is no longer tried with each whether the next one has to. */
const SURE = 4;
const TRY_EVERY = 16;

/** How a thread does its tasks. */
export interface TaskThreadOptions {
  /** An absolute path. */
  readonly root: string;
  /** Calls under way at a time, where calls wait; with one of them they are synchronous, however long they wait. */
  readonly lanes: number;
  /** Whether each call may wait for a network. */
  readonly isNetwork: boolean;
  /** The main thread handles signals: no call that waits for a network may stop it. */
  readonly isMain: boolean;
}

/**
 * Does tasks in one thread: by synchronous calls, which cost a third of others, unless these wait for the storage. Then a task is begun
 * anew, and what it will ask for is asked for at once.
 */
export class TaskThread {
  readonly #runner: TaskRunner;
  readonly #lanes: Lanes;
  /** Tasks in a row whose calls have waited. */
  #waited = 0;

  constructor(private readonly options: TaskThreadOptions) {
    this.#runner = new TaskRunner(options.root, options.isNetwork);
    this.#lanes = new Lanes(options.lanes, options.isNetwork);
  }

  /** Whether synchronous calls may be made now: each of them is one of those that may be under way. */
  #mayStop(): boolean {
    const { isNetwork, isMain, lanes } = this.options;
    return lanes <= 1 || (!(isNetwork && isMain) && this.#lanes.hasFree);
  }

  /** Of the tasks that are not done at once. */
  get waiting(): Waiting {
    return this.#lanes.isFull ? "calls" : "storage";
  }

  /** At once where that is possible. Throws, or rejects, as `TaskRunner` does. */
  run(task: Task, onBytes: (bytes: number) => void): TaskOutcome | Promise<TaskOutcome> {
    if (!isReading(task)) return this.#runner.run(task, onBytes);
    if (this.#mayStop() && (this.#waited < SURE || this.#waited % TRY_EVERY === 0)) {
      const outcome = this.#tryAtOnce(task, onBytes);
      if (outcome !== undefined) {
        this.#waited = 0;
        return outcome;
      }
    }
    this.#waited++;
    return this.#runAhead(task);
  }

  /** Undefined where calls wait. */
  #tryAtOnce(task: Task, onBytes: (bytes: number) => void): TaskOutcome | undefined {
    const watch = new Watch({ isLikely: this.#waited > 0, mayEnd: this.options.lanes > 1 });
    try {
      const outcome = withWatch(watch, () => this.#runner.run(task, onBytes));
      if (!watch.hasEnded) return watch.waits ? { ...outcome, waiting: "briefly" } : outcome;
    } catch (error) {
      if (!watch.hasEnded) throw error;
    }
    // What was asked for in vain is asked for again, and counted then.
    takeCounts();
    return undefined;
  }

  async #runAhead(task: Task): Promise<TaskOutcome> {
    const answers = await readAhead(this.options.root, task, this.#lanes);
    return { ...withAnswers(answers, () => this.#runner.run(task, () => {})), waiting: this.waiting };
  }
}
