import { errorMessage, UsageError } from "./errors.js";
import { isSameStorage } from "./journal/identity.js";
import type { StorageIdentity } from "./journal/identity.js";
import { journalFile } from "./journal/journal.js";
import type { RunWork } from "./journal/journal.js";
import { readCopiedHead } from "./journal/journal-copy.js";
import { listRuns, readRunEnd, readRunHead } from "./journal/read-run.js";
import type { RunHead } from "./journal/read-run.js";
import type { SweepTarget } from "./journal/target.js";
import { surveyOwn } from "./storage/own-data.js";
import type { OwnData, QuarantinedRun } from "./storage/own-data.js";

/** What has become of a run. `emptied`: its quarantine is empty, and its journal does not say whether it was restored or purged. */
export type RunState = "swept" | "untagged" | "repaired" | "restored" | "purged" | "emptied";

/** A run, as its journal and its storage tell. */
export interface ListedRun {
  readonly runId: string;
  readonly startedAt: string;
  readonly work: RunWork;
  readonly mode: RunHead["head"]["mode"];
  readonly state: RunState;
  /** Bytes that lie in the quarantine; what the run removed where it has none; undefined where that is not known. */
  readonly bytes: number | undefined;
  readonly storage: StorageIdentity;
  /** Undefined where only the quarantine has a copy. */
  readonly journal: string | undefined;
}

/** All runs, oldest first, and what could not be read. */
export interface RunList {
  readonly runs: readonly ListedRun[];
  readonly problems: readonly string[];
}

const DONE = { sweep: "swept", untag: "untagged", repair: "repaired" } as const satisfies Record<RunWork, RunState>;

/** The runs that a directory has journals of, and those that a storage has in its quarantine: where one is given, only its own. */
export async function listAllRuns(directory: string, target: SweepTarget | undefined): Promise<RunList> {
  const problems: string[] = [];
  const runs = new Map<string, ListedRun>();
  const own = target && (await surveyOwn(target.changes));
  if (own?.fault !== undefined) problems.push(own.fault);
  for (const runId of listRuns(directory)) {
    try {
      const run = readRunHead(directory, runId);
      if (run === undefined || (target !== undefined && !isSameStorage(run.head.storage, target.storage))) continue;
      runs.set(runId, fromJournal(run, directory, own));
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      problems.push(errorMessage(error));
    }
  }
  for (const [runId, held] of own?.quarantine ?? []) {
    if (target === undefined || runs.has(runId)) continue;
    const copied = await readCopiedHead(runId, target.changes);
    if (copied === undefined) problems.push(`regcheck/quarantine/${runId}: no journal of it, here or in the quarantine`);
    else runs.set(runId, fromCopy(copied, held));
  }
  return { runs: [...runs.values()].sort((a, b) => (a.runId < b.runId ? -1 : 1)), problems };
}

function fromCopy(copied: RunHead, { bytes, hasMoved }: QuarantinedRun): ListedRun {
  return { ...described(copied), state: DONE[copied.head.work], bytes: hasMoved ? bytes : undefined, journal: undefined };
}

function fromJournal(run: RunHead, directory: string, own: OwnData | undefined): ListedRun {
  const { runId, mode, work } = run.head;
  const { fate, removedBytes } = readRunEnd(directory, runId);
  const inQuarantine = own?.quarantine.get(runId);
  const base = { ...described(run), journal: journalFile(directory, runId) };
  if (inQuarantine?.hasMoved === true) return { ...base, state: DONE[work], bytes: inQuarantine.bytes };
  if (fate !== undefined) return { ...base, state: fate.state, bytes: removedBytes };
  const isEmptied = mode === "quarantine" && own !== undefined && own.fault === undefined;
  return { ...base, state: isEmptied ? "emptied" : DONE[work], bytes: removedBytes };
}

function described({ head, startedAt }: RunHead) {
  const { runId, work, mode, storage } = head;
  return { runId, startedAt, work, mode, storage };
}
