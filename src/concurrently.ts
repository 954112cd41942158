/**
 * Runs jobs and yields their results as they come, at most `limit` of them started and not yet consumed (it may change): a slow consumer
 * holds the producers back, so memory stays flat. `next` gives the next job, or undefined when there is none for now; it is asked again after
 * each result, because a result may bring new jobs. A job that rejects ends the iteration with its error.
 */
export async function* concurrently<T>(limit: number | (() => number), next: () => Promise<T> | undefined): AsyncGenerator<T> {
  const done: ({ readonly value: T } | { readonly error: unknown })[] = [];
  let started = 0;
  let wake = (): void => {};
  const settle = (outcome: { readonly value: T } | { readonly error: unknown }): void => {
    done.push(outcome);
    wake();
  };
  const isFree = (): boolean => started < (typeof limit === "number" ? limit : limit());
  const start = (): void => {
    for (let job = isFree() ? next() : undefined; job !== undefined; job = isFree() ? next() : undefined) {
      started++;
      job.then(
        (value) => settle({ value }),
        (error: unknown) => settle({ error }),
      );
    }
  };
  for (start(); started > 0; start()) {
    if (done.length === 0) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    for (const outcome of done.splice(0)) {
      if ("error" in outcome) throw outcome.error;
      yield outcome.value;
      started--;
    }
  }
}
