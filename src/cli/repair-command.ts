import { EXIT_CODES, UsageError } from "../errors.js";
import type { ExitCode } from "../errors.js";
import { planRepair, rehearseRepair, repair } from "../repair.js";
import type { DoneRepair, RepairOptions } from "../repair.js";
import { parseRepairCodes, REPAIR_CODES } from "../repair/codes.js";
import { formatRepair, formatRepairable, repairJson } from "../repair/format.js";
import { journalDirectoryOf } from "./journal-directory.js";
import { untilAborted } from "../until-aborted.js";
import type { Verdict } from "../guard/guard.js";
import { complainOfLock, endOf, preview, refusalEnd } from "./ends.js";
import { openStorage, withChanges } from "./open-storage.js";
import type { OpenedStorage, StorageArguments } from "./open-storage.js";
import { parseTimeSpan } from "./parse-values.js";
import { storageArguments, undoArguments } from "./undo-arguments.js";
import type { Telling } from "./print.js";
import { startProgressLine } from "./progress-line.js";
import { writerOptions } from "./sweep-command.js";
import type { WriterArguments } from "./sweep-command.js";
import { textOptions, writeChange, writeToStdout } from "./write-report.js";

/** The command line of `regcheck repair`, parsed. */
export interface RepairArguments extends StorageArguments, Omit<WriterArguments, "quarantine">, Telling {
  readonly code: readonly string[];
  readonly apply: boolean;
  readonly dryRun: boolean;
  readonly grace: string;
}

/** Shows what can be repaired, or repairs it. */
export async function runRepair(args: RepairArguments, signal: AbortSignal): Promise<ExitCode> {
  if (args.code.length === 0 && args.apply)
    throw new UsageError(
      `--apply wants the codes to repair: ${REPAIR_CODES.join(", ")}. Without --apply, repair shows what there is`,
    );
  const codes = args.code.length === 0 ? new Set(REPAIR_CODES) : parseRepairCodes(args.code);
  const grace = parseTimeSpan("grace", args.grace);
  const dryRun = args.dryRun || !args.apply;
  const opened = await openStorage(args, signal);
  const progress = startProgressLine(process.stderr, args.quiet);
  try {
    const options = { ...repairOptions(args, opened, grace, signal), codes };
    const watched = { ...options, check: { ...options.check, onProgress: progress.update } };
    const { storage } = opened;
    const done = await withChanges(opened, dryRun, async (changes): Promise<ShownRepair> => {
      const target = { storage, changes };
      if (!dryRun) return { ...(await repair(target, watched)), refusal: undefined };
      const planning = args.dryRun ? rehearseRepair(target, watched) : preview(planRepair(target, watched));
      return { ...(await untilAborted(planning, signal)), result: undefined, lockLeft: undefined };
    });
    progress.stop();
    const exitCode = exitCodeOf(done, args, signal);
    if (args.quiet && !dryRun && exitCode === EXIT_CODES.clean) return exitCode;
    const text =
      args.format === "json"
        ? `${JSON.stringify(repairJson(done, dryRun, exitCode), undefined, 2)}\n`
        : args.code.length === 0
          ? formatRepairable(done, textOptions(process.stdout), storageArguments(args))
          : formatRepair(done, dryRun, textOptions(process.stdout), undoArguments(args, opened));
    if (dryRun) await writeToStdout([text]);
    else await writeChange(() => [text]);
    complainOfLock(done);
    return exitCode;
  } finally {
    progress.stop();
    await opened.storage.close();
  }
}

/** A repair looks at the registry as it is: nothing counts as garbage that a repair would bring back. */
function repairOptions(
  args: RepairArguments,
  opened: OpenedStorage,
  grace: number,
  signal: AbortSignal,
): Omit<RepairOptions, "codes"> {
  const now = Math.floor(Date.now() / 1000);
  return {
    check: { policy: { deleteUntagged: false, dropDanglingTags: false, grace, now, pins: [] }, owners: opened.owners },
    writers: writerOptions(args, opened),
    journalDirectory: journalDirectoryOf(args),
    signal,
  };
}

/** What is shown of a repair that was done, or only rehearsed. */
interface ShownRepair extends DoneRepair {
  readonly refusal: Verdict | undefined;
}

/**
 * Findings of the named codes that are left make it 1, as those of a check do: without --apply all of them are left. A dry run has the
 * exit code of the repair that it stands for.
 */
function exitCodeOf(done: ShownRepair, { apply, dryRun }: RepairArguments, signal: AbortSignal): ExitCode {
  const { report, repairs, unrepairable } = done;
  const end = (dryRun ? refusalEnd(done) : undefined) ?? endOf(done, signal);
  if (end !== undefined) return end;
  if (!report.complete) return EXIT_CODES.incomplete;
  const left = unrepairable.length + (apply || dryRun ? 0 : repairs.length);
  return left === 0 ? EXIT_CODES.clean : EXIT_CODES.findings;
}
