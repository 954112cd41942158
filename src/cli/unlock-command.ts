import { EXIT_CODES } from "../errors.js";
import type { ExitCode } from "../errors.js";
import { describeOwner } from "../guard/lock-owner.js";
import { rehearseUnlock, unlock } from "../unlock.js";
import { untilAborted } from "../until-aborted.js";
import type { JudgedLock } from "../unlock.js";
import { refusalEnd } from "./ends.js";
import { openStorage, withChanges } from "./open-storage.js";
import type { StorageArguments } from "./open-storage.js";
import { rulesOf, tell } from "./print.js";
import type { Telling } from "./print.js";
import { writerOptions } from "./sweep-command.js";
import type { WriterArguments } from "./sweep-command.js";

/** The command line of `regcheck unlock`, parsed. */
export interface UnlockArguments extends StorageArguments, Pick<WriterArguments, "registryUrl" | "registryStopped">, Telling {
  readonly dryRun: boolean;
}

/** Removes the lock that a killed run has left. */
export async function runUnlock(args: UnlockArguments, signal: AbortSignal): Promise<ExitCode> {
  const { dryRun } = args;
  const opened = await openStorage(args, signal);
  try {
    const { storage } = opened;
    const writers = writerOptions(args, opened);
    const { lock, verdicts, refusal } = await withChanges(opened, dryRun, async (changes): Promise<JudgedLock> => {
      const target = { storage, changes };
      if (dryRun) return untilAborted(rehearseUnlock(target, writers), signal);
      return { lock: await unlock(target, writers, signal), verdicts: [], refusal: undefined };
    });
    const exitCode = refusalEnd({ refusal }) ?? EXIT_CODES.clean;
    const line =
      lock === undefined
        ? `${storage.location} has no lock`
        : `the lock of ${describeOwner(lock)} ${dryRun ? "would be removed (nothing was changed)" : "is removed"}`;
    await tell(args, !dryRun, [line, ...rulesOf("unlock", { verdicts, refusal })], {
      dryRun,
      lock: lock === undefined ? undefined : { ...lock.owner, process: lock.process },
      ...(dryRun ? { verdicts, refusedBy: refusal?.rule } : {}),
      exitCode,
    });
    return exitCode;
  } finally {
    await opened.storage.close();
  }
}
