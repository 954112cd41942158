/** Stands for any number of items, or none. */
export const RUN = Symbol("run");

/** What one item has to be like, or any number of them. */
export type Step = typeof RUN | ((item: string) => boolean);

/**
 * Whether the steps match all of the items. Only the last run is ever lengthened: if what follows an earlier one has been found, finding it
 * later leaves fewer items for the rest. So there are at most as many comparisons as steps times items.
 */
export function matchesRuns(steps: readonly Step[], items: ArrayLike<string>): boolean {
  let at = 0;
  let position = 0;
  let run = -1;
  let runEnd = 0;
  for (let item = items[0]; item !== undefined; item = items[position]) {
    const step = steps[at];
    if (step === RUN) {
      run = at++;
      runEnd = position;
      if (at === steps.length) return true;
    } else if (step?.(item) === true) {
      at++;
      position++;
    } else if (run >= 0) {
      at = run + 1;
      position = ++runEnd;
    } else return false;
  }
  while (steps[at] === RUN) at++;
  return at === steps.length;
}
