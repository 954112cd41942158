import { setImmediate } from "node:timers/promises";
import { operatorMessage } from "../errors.js";
import type { Verdict } from "./guard.js";
import type { JudgeLock } from "./lock.js";
import { judgeWriters as judgeWritersNow } from "./writers.js";
import type { WriterOptions } from "./writers.js";

/** Milliseconds after which long work asks again whether the registry is read-only and the lock its own (safety rules 2 and 9). */
const PROBE_INTERVAL = 30_000;

/** What may end work that changes a storage before its end. */
export interface WatchContext {
  readonly signal: AbortSignal;
  /** On the clock of `performance.now()`. */
  readonly deadline?: number | undefined;
  /** Besides whether nobody writes, it may say that the lock is lost: see `judgeOthers`. */
  readonly judgeWriters: () => Promise<Verdict>;
}

/** What is asked again during long work: whether the lock is still its own, and then whether nobody writes. */
export async function judgeOthers(judgeLock: JudgeLock, writers: WriterOptions): Promise<Verdict> {
  const lock = await judgeLock();
  return lock.passed ? judgeWritersNow(writers) : lock;
}

/** Watches over work that changes a storage, from the last look at who writes on. */
export class Watch {
  #asked = performance.now();

  constructor(private readonly context: WatchContext) {}

  /** Why the work has to end here; undefined if it may go on. */
  async reasonToStop(): Promise<string | undefined> {
    const { signal, deadline, judgeWriters } = this.context;
    // Synchronous work lets no signal through.
    await setImmediate();
    if (signal.aborted) return "a signal stopped it";
    if (deadline !== undefined && performance.now() >= deadline) return "--max-duration is over";
    if (performance.now() - this.#asked < PROBE_INTERVAL) return undefined;
    this.#asked = performance.now();
    const verdict = await judgeWriters();
    return verdict.passed ? undefined : reasonOf(verdict);
  }
}

function reasonOf({ rule, evidence }: Verdict): string {
  return rule === "one-at-a-time" ? evidence : `the registry is not read-only any more: ${evidence}`;
}

/** Why work ended before its end: what it says itself, or what the storage or the journal's disk refused it. */
export async function whyStopped(work: () => Promise<string | void>): Promise<string | undefined> {
  try {
    return (await work()) ?? undefined;
  } catch (error) {
    return operatorMessage(error);
  }
}
