import type { RetryErrorInfo, RetryStrategyV2, RetryToken } from "@smithy/types";
import type { RetryOptions } from "./options.js";

/** A throttled request waits longer and is repeated more often: the server is well, and says so. */
const THROTTLED_FACTOR = 3;
const THROTTLED_MORE_ATTEMPTS = 6;
/** Milliseconds that no attempt is put off for longer than. */
const LONGEST_DELAY = 20_000;

/**
 * When the SDK repeats a request. Its own strategies share a small budget of retries among all requests, made for services that answer
 * users: a scan with 64 requests in flight would use it up at the first sign of throttling, and be incomplete.
 */
export function retryStrategy({ attempts, delay }: RetryOptions): RetryStrategyV2 {
  return {
    acquireInitialRetryToken: async () => token(0, 0),
    refreshRetryTokenForRetry: async (before, { error, errorType, retryAfterHint }: RetryErrorInfo) => {
      const count = before.getRetryCount() + 1;
      const isThrottled = errorType === "THROTTLING";
      const isWorthIt =
        isThrottled || errorType === "TRANSIENT" || (errorType === "SERVER_ERROR" && error?.$metadata?.httpStatusCode !== 501);
      if (!isWorthIt || count >= attempts + (isThrottled ? THROTTLED_MORE_ATTEMPTS : 0)) throw new Error("no further attempt");
      const exponential = Math.min(LONGEST_DELAY, delay * (isThrottled ? THROTTLED_FACTOR : 1) * 2 ** (count - 1));
      const asked = retryAfterHint === undefined ? 0 : retryAfterHint.getTime() - Date.now();
      return token(count, Math.max(Math.min(asked, LONGEST_DELAY), exponential * (0.5 + Math.random() / 2)));
    },
    recordSuccess: () => {},
  };
}

function token(count: number, delay: number): RetryToken {
  return { getRetryCount: () => count, getRetryDelay: () => delay };
}
