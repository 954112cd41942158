import { EXIT_CODES, OperatorError } from "../errors.js";

/** Signals that end a run, with the exit codes that shells give them. */
const SIGNALS = { SIGINT: EXIT_CODES.interrupted, SIGTERM: EXIT_CODES.terminated, SIGHUP: EXIT_CODES.hungUp } as const;

/**
 * Aborts at the first SIGINT, SIGTERM or SIGHUP (the terminal is gone), with an `OperatorError` of its exit code as the reason; the second signal ends the process
 * at once. Called once, before the work begins.
 */
export function listenForSignals(): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(SIGNALS[name]);
      controller.abort(new OperatorError(`stopped by ${name}`, SIGNALS[name]));
    });
  }
  return controller.signal;
}
