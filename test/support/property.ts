/** How often a property is tried: `REGCHECK_PROPERTY_RUNS=5000 npx vitest …` looks harder. */
export function propertyRuns(usual: number): number {
  return Number(process.env["REGCHECK_PROPERTY_RUNS"] ?? usual);
}

/**
 * How a property is tried `runs` times, and the timeout of its test in milliseconds.
 *
 * Making a counterexample smaller ends well before the test does: a test that times out tells neither the
 * counterexample nor its seed, so that both would be lost. The time is several times what the runs take on a slow machine: to be slow is
 * no counterexample.
 */
export function property(runs: number, { perRun = 500 }: { readonly perRun?: number } = {}) {
  const limit = 120_000 + runs * perRun;
  return {
    options: { numRuns: runs, interruptAfterTimeLimit: limit, markInterruptAsFailure: true },
    timeout: 2 * limit,
  } as const;
}
