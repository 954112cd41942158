import { setTimeout } from "node:timers/promises";
import type { RetryErrorInfo, RetryStrategyV2, RetryToken } from "@smithy/types";
import type { RetryOptions } from "./options.js";

/** A throttled request waits longer and is repeated more often: the server is well, and says so. */
const THROTTLED_FACTOR = 3;
const THROTTLED_MORE_ATTEMPTS = 6;
/** Milliseconds that no attempt is put off for longer than. */
const LONGEST_DELAY = 20_000;
/**
 * Requests that were given up, with no other answer meanwhile, after which the server is taken for gone: where the last attempt got an
 * error for its answer, where its connection broke, and where nothing came in half of the patience.
 */
const GIVEN_UP = { answered: 8, broken: 3, hung: 1 } as const;

/** Nothing more is asked of a server that does not answer: a scan of a million objects would wait for each of them. */
class ServerGone extends Error {
  override readonly name = "ServerGone";
}

/**
 * When the SDK repeats a request. Its own strategies share a small budget of retries among all requests, made for services that answer
 * users: a scan with 64 requests in flight would use it up at the first sign of throttling, and be incomplete. One for all requests to a
 * bucket: it also knows when the server is gone, and when the bucket is `closed`. It does the waiting before an attempt itself: the SDK's
 * could not be ended.
 */
export function retryStrategy(options: RetryOptions, closed: AbortSignal): RetryStrategyV2 {
  return new Patience(options, closed);
}

class Patience implements RetryStrategyV2 {
  readonly #begun = new WeakMap<RetryToken, number>();
  /** When the server last answered, as far as this knows; on the clock of `performance.now()`. */
  #answered = performance.now();
  /** Requests that were given up since. */
  #failed = 0;
  #isGone = false;

  constructor(
    private readonly options: RetryOptions,
    private readonly closed: AbortSignal,
  ) {}

  async acquireInitialRetryToken(): Promise<RetryToken> {
    this.closed.throwIfAborted();
    if (this.#isGone) {
      const seconds = Math.round((performance.now() - this.#answered) / 1000);
      throw new ServerGone(`not asked any more: the server has not answered for ${seconds} s`);
    }
    return this.#token(0, performance.now());
  }

  async refreshRetryTokenForRetry(before: RetryToken, info: RetryErrorInfo): Promise<RetryToken> {
    this.closed.throwIfAborted();
    const isThrottled = info.errorType === "THROTTLING";
    const begun = this.#begun.get(before) ?? performance.now();
    if (!isThrottled && !isWorthIt(info)) {
      this.#hasAnswered();
      throw new Error("no further attempt");
    }
    const count = before.getRetryCount() + 1;
    const delay = this.#delay(count, isThrottled, info.retryAfterHint);
    const { attempts, patience, timeout } = this.options;
    const mostAttempts = attempts + (isThrottled ? THROTTLED_MORE_ATTEMPTS : 0);
    const until = begun + patience * (isThrottled ? THROTTLED_FACTOR : 1);
    if (count >= mostAttempts || performance.now() + delay + timeout > until) {
      this.#giveUp(begun, info);
      throw new Error("no further attempt");
    }
    await setTimeout(delay, undefined, { signal: this.closed });
    return this.#token(count, begun);
  }

  recordSuccess(): void {
    this.#hasAnswered();
  }

  #hasAnswered(): void {
    this.#answered = performance.now();
    this.#failed = 0;
    this.#isGone = false;
  }

  /** An object that cannot be read is one fault; a server that answers nobody is one as well, not one for each object. */
  #giveUp(begun: number, { error }: RetryErrorInfo): void {
    if (this.#answered > begun) return;
    this.#failed++;
    const hung = performance.now() - begun > this.options.patience / 2;
    const how = error?.$metadata?.httpStatusCode !== undefined ? "answered" : hung ? "hung" : "broken";
    if (this.#failed >= GIVEN_UP[how]) this.#isGone = true;
  }

  #delay(count: number, isThrottled: boolean, retryAfter: Date | undefined): number {
    const exponential = Math.min(LONGEST_DELAY, this.options.delay * (isThrottled ? THROTTLED_FACTOR : 1) * 2 ** (count - 1));
    const asked = retryAfter === undefined ? 0 : retryAfter.getTime() - Date.now();
    return Math.max(Math.min(asked, LONGEST_DELAY), exponential * (0.5 + Math.random() / 2));
  }

  #token(count: number, begun: number): RetryToken {
    const token = { getRetryCount: () => count, getRetryDelay: () => 0 };
    this.#begun.set(token, begun);
    return token;
  }
}

function isWorthIt({ errorType, error }: RetryErrorInfo): boolean {
  return errorType === "TRANSIENT" || (errorType === "SERVER_ERROR" && error?.$metadata?.httpStatusCode !== 501);
}
