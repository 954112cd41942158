/** Cuts values into batches, whose size depends on the first of each. */
export function* batches<T>(items: Iterable<T>, sizeFor: (first: T) => number): Generator<T[]> {
  let batch: T[] = [];
  let size = 0;
  for (const item of items) {
    if (batch.length === 0) size = sizeFor(item);
    batch.push(item);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** Makes the next of some values before it is asked for, when somebody says that there is time for it. */
export class LookAhead<T> {
  #next: IteratorResult<T, unknown> | undefined;

  constructor(private readonly values: Iterator<T>) {}

  prepare(): void {
    this.#next ??= this.values.next();
  }

  take(): T | undefined {
    this.prepare();
    const next = this.#next;
    this.#next = undefined;
    return next?.done === false ? next.value : undefined;
  }
}
