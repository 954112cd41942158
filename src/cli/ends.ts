import { EXIT_CODES, OperatorError } from "../errors.js";
import type { ExitCode } from "../errors.js";
import type { Rehearsed } from "../guard/change-under-guard.js";
import { exitCodeOf } from "../guard/guard.js";
import type { Verdict } from "../guard/guard.js";
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

/** A plan that is shown before anybody has said who writes: nothing is refused yet. */
export async function preview<Plan extends object>(planning: Promise<Plan>): Promise<Rehearsed<Plan>> {
  return { ...(await planning), refusal: undefined };
}

/** What the exit code says of a dry run of something that would be refused; undefined for what would not. */
export function refusalEnd({ refusal }: { readonly refusal: Verdict | undefined }): ExitCode | undefined {
  return refusal && exitCodeOf(refusal);
}

/** Says on stderr that a lock is still there: behind the result, which is told in any case. */
export function complainOfLock({ lockLeft }: Pick<Locked<unknown>, "lockLeft">): void {
  if (lockLeft !== undefined) complain(lockLeft);
}
