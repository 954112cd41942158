import { EXIT_CODES } from "../errors.js";
import type { ExitCode } from "../errors.js";
import { describeOwner } from "../guard/lock-owner.js";
import { unlock } from "../unlock.js";
import { openStorage, withChanges } from "./open-storage.js";
import type { StorageArguments } from "./open-storage.js";
import { tell } from "./print.js";
import type { Telling } from "./print.js";
import { writerOptions } from "./sweep-command.js";
import type { WriterArguments } from "./sweep-command.js";

/** The command line of `regcheck unlock`, parsed. */
export interface UnlockArguments extends StorageArguments, Pick<WriterArguments, "registryUrl" | "registryStopped">, Telling {
  readonly dryRun: boolean;
}

/** Removes the lock that a killed run has left. */
export async function runUnlock(args: UnlockArguments): Promise<ExitCode> {
  const { dryRun } = args;
  const opened = await openStorage(args);
  try {
    const { storage } = opened;
    const lock = await withChanges(opened, dryRun, (changes) =>
      unlock({ storage, changes }, { writers: writerOptions(args, opened), dryRun }),
    );
    const line =
      lock === undefined
        ? `${storage.location} has no lock`
        : `the lock of ${describeOwner(lock)} ${dryRun ? "would be removed (nothing was changed)" : "is removed"}`;
    const json = {
      dryRun,
      lock: lock === undefined ? undefined : { ...lock.owner, process: lock.process },
      exitCode: EXIT_CODES.clean,
    };
    tell(args, !dryRun, [line], json);
    return EXIT_CODES.clean;
  } finally {
    await opened.storage.close();
  }
}
