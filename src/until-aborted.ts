import { setImmediate } from "node:timers/promises";

/**
 * Lets signals and timers have their turn, and throws the signal's reason if it is aborted: for loops of synchronous work, which promises
 * alone do not interrupt.
 */
export async function giveWay(signal: AbortSignal | undefined): Promise<void> {
  await setImmediate();
  signal?.throwIfAborted();
}

/** Waits for the work, or until the signal aborts: then throws its reason, and the work goes on unheeded. */
export async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason as unknown);
    signal.addEventListener("abort", stop, { once: true });
  });
  work.catch(() => {});
  signal.throwIfAborted();
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
