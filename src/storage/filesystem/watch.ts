import fs from "node:fs";

/** Calls after which it is asked whether they wait, at first and from then on. */
const FIRST_LOOK = 16;
/** The same where calls have waited before: each look may cost those that are under way elsewhere in the thread as long as three calls take. */
const LIKELY_LOOK = 4;
const LOOK_EVERY = 64;
/** Milliseconds that a call may take and is not worth a look: as long as four that are answered from memory. */
const SHORT_CALL = 0.03;
/** The same for ending the work: as long as two hundred. */
const LONG_CALL = 0.5;

/** Milliseconds: the kernel counts a thread that runs each time the clock ticks, which is every 1 to 10. */
const LONG_ENOUGH = 40;

/** What Linux counts of each thread: nanoseconds on a processor, nanoseconds ready to run, and how often. */
const THREAD_COUNTERS = "/proc/thread-self/schedstat";

/** What a call throws where calls wait: the work is to be begun anew, in another way. */
export class CallsWait extends Error {
  override readonly name = "CallsWait";
}

/**
 * Looks at the time that synchronous calls take, one after the other. Where they take long, and more than two thirds of it are waiting for
 * the storage, it ends the work. That a machine is busy with other work counts for nothing, by the kernel's own account; where it keeps none,
 * no call waits.
 */
export class Watch {
  #calls = 0;
  #next = FIRST_LOOK;
  #callsBefore = 0;
  #began = performance.now();
  /** From when calls first seemed to wait: most work never asks for it. */
  #busyBefore: number | undefined;
  #hasEnded = false;

  readonly #mayEnd: boolean;

  /** `isLikely`: calls have waited before. `mayEnd`: there is another way. */
  constructor({ isLikely, mayEnd }: { readonly isLikely: boolean; readonly mayEnd: boolean }) {
    this.#mayEnd = mayEnd;
    if (!isLikely) return;
    this.#next = LIKELY_LOOK;
    this.#busyBefore = busyTime();
  }

  /** Whether the work was ended: its result is not to be used. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Whether calls have waited for more than a third of the time since they first seemed to. */
  get waits(): boolean {
    if (this.#busyBefore === undefined) return false;
    const took = performance.now() - this.#began;
    return took > LONG_ENOUGH && took > (this.#calls - this.#callsBefore) * SHORT_CALL && this.#waited() * 3 > took;
  }

  /** To be called before each call. Throws a `CallsWait`, and from then on always. */
  look(): void {
    if (this.#calls++ >= this.#next) this.#judge();
  }

  #judge(): void {
    if (this.#hasEnded) throw new CallsWait();
    const took = performance.now() - this.#began;
    const each = took / (this.#calls - this.#callsBefore);
    this.#next = this.#calls + (each > LONG_CALL ? FIRST_LOOK : LOOK_EVERY);
    if (this.#mayEnd && each > LONG_CALL && this.#waited() * 3 > took * 2) {
      this.#hasEnded = true;
      this.#next = 0;
      throw new CallsWait();
    }
    if (each > LONG_CALL || (each > SHORT_CALL && this.#busyBefore === undefined)) this.#lookFromHere();
  }

  #lookFromHere(): void {
    this.#busyBefore = busyTime();
    this.#began = performance.now();
    this.#callsBefore = this.#calls;
  }

  /** Milliseconds of the time since it looks from which were neither spent on a processor nor waiting for one; 0 where nobody knows. */
  #waited(): number {
    if (this.#busyBefore === undefined) return 0;
    const busy = busyTime();
    return busy === undefined ? 0 : performance.now() - this.#began - (busy - this.#busyBefore);
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
