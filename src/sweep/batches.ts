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

  constructor(private readonly values: Iterator<T, unknown>) {}

  /** Returns the next, which `take` has still to come to; undefined where there is none. */
  prepare(): T | undefined {
    this.#next ??= this.values.next();
    return this.#next.done === true ? undefined : this.#next.value;
  }

  take(): T | undefined {
    const next = this.prepare();
    this.#next = undefined;
    return next;
  }
}

/** Milliseconds that a batch should take: as long as one is under way, nothing that is to end the work is looked at. */
const BATCH_TIME = 1000;

/** How large batches are, by how long the ones before have taken. */
export class BatchSize {
  #size: number;

  /** `least`: where each value may take long, or as long as that is not known. */
  constructor(private readonly least: number) {
    this.#size = least;
  }

  /** How many values the next batch has, at most so many. */
  next(most: number): number {
    return Math.min(most, this.#size);
  }

  /** Says how many milliseconds a batch of so many values has taken. */
  took(count: number, milliseconds: number): void {
    const fitting = Math.floor((count * BATCH_TIME) / Math.max(1, milliseconds));
    this.#size = Math.max(this.least, fitting);
  }
}
