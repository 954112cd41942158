import { EXIT_CODES } from "../errors.js";
import type { ExitCode } from "../errors.js";
import { formatBytes } from "../report/format.js";
import { describeStorage } from "../storage/identity.js";
import type { KeptIn } from "../journal/kept.js";
import { journalDirectoryOf } from "./journal-directory.js";
import { listAllRuns } from "../runs.js";
import type { ListedRun, RunList } from "../runs.js";
import { untilAborted } from "../until-aborted.js";
import { complain } from "./complain.js";
import { openStorage, withChanges } from "./open-storage.js";
import type { StorageArguments } from "./open-storage.js";
import { tell } from "./print.js";
import type { Telling } from "./print.js";

/** The command line of `regcheck runs`, parsed. */
export interface RunsArguments extends StorageArguments, Telling {
  readonly journalDir: string | undefined;
}

/** Lists the runs of a storage, or those that this host has journals of. */
export async function runRuns(args: RunsArguments, signal: AbortSignal): Promise<ExitCode> {
  const { runs, problems } = await list(args, signal);
  const exitCode = problems.length === 0 ? EXIT_CODES.clean : EXIT_CODES.incomplete;
  const lines = args.quiet ? runs.map(({ runId }) => runId) : table(runs, isNamed(args));
  await tell({ format: args.format, quiet: false }, true, lines, { runs, problems, exitCode });
  for (const problem of problems) complain(problem);
  return exitCode;
}

function isNamed({ storage, config }: RunsArguments): boolean {
  return storage !== undefined || config !== undefined;
}

async function list(args: RunsArguments, signal: AbortSignal): Promise<RunList> {
  const directory = journalDirectoryOf(args);
  if (!isNamed(args)) return listAllRuns(directory, undefined);
  const opened = await openStorage(args, signal);
  try {
    const { storage } = opened;
    return await withChanges(opened, true, (changes) => untilAborted(listAllRuns(directory, { storage, changes }), signal));
  } finally {
    await opened.storage.close();
  }
}

/** Of one storage there is no need to say which. */
function table(runs: readonly ListedRun[], isOfOne: boolean): string[] {
  if (runs.length === 0) return ["There are no runs."];
  const rows = runs.map((run) => [
    run.runId,
    run.startedAt.slice(0, 19).replace("T", " "),
    run.work,
    run.bytes === undefined ? "" : formatBytes(run.bytes),
    stateOf(run),
    ...(isOfOne ? [] : [describeStorage(run.storage)]),
  ]);
  const all = [["RUN", "BEGAN (UTC)", "KIND", "SIZE", "STATE", ...(isOfOne ? [] : ["STORAGE"])], ...rows];
  const widths = all[0]?.map((_, i) => Math.max(...all.map((row) => row[i]?.length ?? 0))) ?? [];
  return all.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

const KEPT_IN = {
  quarantine: ", in the quarantine",
  versions: ", kept as older versions",
  journal: ", kept in the journal",
  nowhere: " for good",
} as const satisfies Record<KeptIn | "nowhere", string>;

function stateOf({ state, work, keptIn }: ListedRun): string {
  if (state === "emptied") return "its quarantine is empty: restored or purged elsewhere, or it took nothing";
  if (state === "nothing") return work === "repair" ? "wrote nothing" : "took nothing";
  if (state !== "swept" && state !== "untagged") return state;
  return `${state}${KEPT_IN[keptIn ?? "nowhere"]}`;
}
