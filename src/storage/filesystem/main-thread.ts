import { TaskRunner } from "./tasks.js";
import type { Task, TaskOutcome } from "./tasks.js";

/** Milliseconds of work after which threads are worth their start, which takes two of them as long. */
const WORTH_THREADS = 50;

/** Tasks that never take long: those of the others nobody could interrupt. */
const BRIEF: ReadonlySet<Task["kind"]> = new Set([
  "blobs",
  "repositories",
  "links",
  "manifests",
  "modified",
  "contents",
  "files",
]);

/** Does the first tasks in the main thread: a small registry needs no other. */
export class MainThread {
  #runner: TaskRunner | undefined;
  #spent = 0;

  /** `root` is an absolute path. */
  constructor(private readonly root: string) {}

  /** Whether the task is to be done here. */
  takes({ kind }: Task): boolean {
    return this.#spent < WORTH_THREADS && BRIEF.has(kind);
  }

  /** Throws as `TaskRunner` does. */
  run(task: Task): TaskOutcome {
    const began = performance.now();
    this.#runner ??= new TaskRunner(this.root);
    try {
      return this.#runner.run(task, () => {});
    } finally {
      this.#spent += performance.now() - began;
    }
  }
}
