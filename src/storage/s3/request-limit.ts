import pLimit from "p-limit";

/**
 * Bounds the requests in flight, and gives way to a server that throttles: the bound is halved once for all the requests that were
 * under way together, and rises by one for each full round of successes, as TCP's congestion window does.
 */
export class RequestLimit {
  readonly #limit: ReturnType<typeof pLimit>;
  #successes = 0;
  #started = 0;
  /** The value of `#started` when the bound was last cut. */
  #startedAtCut = 0;

  constructor(
    readonly most: number,
    /** Once it aborts, no request begins any more: its reason is thrown. */
    private readonly closed?: AbortSignal,
  ) {
    this.#limit = pLimit(most);
  }

  /** The bound at this moment. */
  get current(): number {
    return this.#limit.concurrency;
  }

  /** Runs one request within the bound; it calls `onThrottled` for each answer that asks to slow down. */
  run<T>(request: (onThrottled: () => void) => Promise<T>): Promise<T> {
    return this.#limit(async () => {
      this.closed?.throwIfAborted();
      const number = this.#started++;
      let throttled = false;
      const result = await request(() => {
        throttled = true;
        this.#cut(number);
      });
      if (!throttled) this.#rise();
      return result;
    });
  }

  /**
   * Works on items that take several requests each, so many at a time as there may be requests, and gives the results in their order: what
   * was begun comes to its end before more is.
   */
  map<T, R>(items: Iterable<T>, work: (item: T, i: number) => PromiseLike<R>): Promise<R[]> {
    return pLimit(this.most).map(items, work);
  }

  #cut(number: number): void {
    this.#successes = 0;
    if (number < this.#startedAtCut) return;
    this.#startedAtCut = this.#started;
    this.#limit.concurrency = Math.max(1, Math.floor(this.current / 2));
  }

  #rise(): void {
    if (this.current >= this.most || ++this.#successes < this.current) return;
    this.#successes = 0;
    this.#limit.concurrency = this.current + 1;
  }
}
