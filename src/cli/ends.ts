import { EXIT_CODES, OperatorError } from "../errors.js";
import type { ExitCode } from "../errors.js";
import type { Locked } from "../guard/lock.js";
import { complain } from "./complain.js";

/** What the exit code says of a change that came to no end, or whose lock is still there; undefined for one that went well. */
export function endOf(
  { result, lockLeft }: Locked<{ readonly stopped?: string | undefined } | undefined>,
  { aborted, reason }: AbortSignal,
): ExitCode | undefined {
  if (result?.stopped !== undefined) return aborted && reason instanceof OperatorError ? reason.exitCode : EXIT_CODES.stopped;
  return lockLeft === undefined ? undefined : EXIT_CODES.stopped;
}

/** Says on stderr that a lock is still there: behind the result, which is told in any case. */
export function complainOfLock({ lockLeft }: Pick<Locked<unknown>, "lockLeft">): void {
  if (lockLeft !== undefined) complain(lockLeft);
}
