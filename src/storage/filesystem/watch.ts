import fs from "node:fs";

/** Calls after which it is asked whether they wait, at first and from then on. */
const FIRST_LOOK = 16;
/** The same where calls have waited before: each look may cost those that are under way elsewhere in the thread as long as three calls take. */
const LIKELY_LOOK = 4;
const LOOK_EVERY = 64;
/** Milliseconds that a call may take and is not worth a look: as long as two hundred that are answered from memory. */
const SLOW_CALL = 0.5;

/** What Linux counts of each thread: nanoseconds on a processor, nanoseconds ready to run, and how often. */
const THREAD_COUNTERS = "/proc/thread-self/schedstat";

/** What a call throws where calls wait: the work is to be begun anew, in another way. */
export class CallsWait extends Error {
  override readonly name = "CallsWait";
}

/**
 * Looks at the time that synchronous calls take, one after the other, and ends the work if more than two thirds of it are waiting for the storage.
 * That a machine is busy with other work counts for nothing, by the kernel's own account; where it keeps none, no work is ended.
 */
export class Watch {
  #calls = 0;
  #next = FIRST_LOOK;
  #callsBefore = 0;
  #began = performance.now();
  /** From when calls first seemed to wait: most work never asks for it. */
  #busyBefore: number | undefined;
  #hasEnded = false;

  /** `isLikely`: calls have waited before. */
  constructor(isLikely: boolean) {
    if (!isLikely) return;
    this.#next = LIKELY_LOOK;
    this.#busyBefore = busyTime();
  }

  /** Whether the work was ended: its result is not to be used. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** To be called before each call. Throws a `CallsWait`, and from then on always. */
  look(): void {
    if (this.#calls++ >= this.#next) this.#judge();
  }

  #judge(): void {
    if (this.#hasEnded) throw new CallsWait();
    const now = performance.now();
    const took = now - this.#began;
    const isSlow = took > (this.#calls - this.#callsBefore) * SLOW_CALL;
    this.#next = this.#calls + (isSlow ? FIRST_LOOK : LOOK_EVERY);
    if (!isSlow) return;
    const busy = busyTime();
    this.#hasEnded = busy !== undefined && this.#busyBefore !== undefined && (busy - this.#busyBefore) * 3 < took;
    if (this.#hasEnded) {
      this.#next = 0;
      throw new CallsWait();
    }
    this.#busyBefore = busy;
    this.#began = now;
    this.#callsBefore = this.#calls;
  }
}

/** Milliseconds that this thread has run or wanted to. A kernel that counts nothing says zero. */
function busyTime(): number | undefined {
  try {
    const [ran = 0, stood = 0] = fs.readFileSync(THREAD_COUNTERS, "latin1").split(" ").map(Number);
    return ran === 0 ? undefined : (ran + stood) / 1e6;
  } catch {
    return undefined;
  }
}
