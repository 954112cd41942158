import { EXIT_CODES, UsageError } from "../errors.js";
import type { ExitCode } from "../errors.js";
import { planRepair, repair } from "../repair.js";
import type { DoneRepair, RepairOptions } from "../repair.js";
import { parseRepairCodes, REPAIR_CODES } from "../repair/codes.js";
import { formatRepair, formatRepairable, repairJson } from "../repair/format.js";
import { journalDirectoryOf } from "./journal-directory.js";
import { untilAborted } from "../until-aborted.js";
import { complainOfLock, endOf } from "./ends.js";
import { openStorage, withChanges } from "./open-storage.js";
import type { OpenedStorage, StorageArguments } from "./open-storage.js";
import { parseTimeSpan } from "./parse-values.js";
import { undoArguments } from "./undo-arguments.js";
import { startProgressLine } from "./progress-line.js";
import { writerOptions } from "./sweep-command.js";
import type { WriterArguments } from "./sweep-command.js";
import { textOptions, writeToStream } from "./write-report.js";

/** The command line of `regcheck repair`, parsed. */
export interface RepairArguments extends StorageArguments, Omit<WriterArguments, "quarantine"> {
  readonly code: readonly string[];
  readonly apply: boolean;
  readonly dryRun: boolean;
  readonly grace: string;
  readonly format: "text" | "json";
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
  const opened = await openStorage(args);
  const progress = startProgressLine(process.stderr, false);
  try {
    const options = { ...repairOptions(args, opened, grace, signal), codes };
    const watched = { ...options, check: { ...options.check, onProgress: progress.update } };
    const { storage } = opened;
    const done = await withChanges(opened, dryRun, async (changes): Promise<DoneRepair> => {
      if (!dryRun) return repair({ storage, changes }, watched);
      return {
        ...(await untilAborted(planRepair({ storage, changes }, watched), signal)),
        result: undefined,
        lockLeft: undefined,
      };
    });
    progress.stop();
    const text =
      args.format === "json"
        ? `${JSON.stringify(repairJson(done, dryRun), undefined, 2)}\n`
        : args.code.length === 0
          ? formatRepairable(done, textOptions(process.stdout))
          : formatRepair(done, dryRun, textOptions(process.stdout), undoArguments(args));
    await writeToStream(process.stdout, [text]);
    complainOfLock(done);
    return exitCodeOf(done, dryRun, signal);
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

/** Findings of the named codes that are left make it 1, as those of a check do. */
function exitCodeOf(done: DoneRepair, dryRun: boolean, signal: AbortSignal): ExitCode {
  const { report, repairs, unrepairable } = done;
  if (!report.complete) return EXIT_CODES.incomplete;
  const left = unrepairable.length + (dryRun ? repairs.length : 0);
  const end = endOf(done, signal);
  if (end !== undefined) return end;
  return left === 0 ? EXIT_CODES.clean : EXIT_CODES.findings;
}
