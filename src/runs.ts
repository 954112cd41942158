import { errorMessage, UsageError } from "./errors.js";
import { isSameStorage } from "./storage/identity.js";
import type { StorageIdentity } from "./storage/identity.js";
import { journalFile } from "./journal/journal.js";
import type { RunWork } from "./journal/journal.js";
import { neverBegan, readCopiedHead } from "./journal/journal-copy.js";
import { hasNothing, whereKept } from "./journal/kept.js";
import type { KeptIn } from "./journal/kept.js";
import { listRuns, readRunEnd, readRunHead } from "./journal/read-run.js";
import type { RunHead } from "./journal/read-run.js";
import type { SweepTarget } from "./journal/target.js";
import { surveyOwn } from "./storage/own-data.js";
import type { OwnData, QuarantinedRun } from "./storage/own-data.js";

/**
 * What has become of a run. `emptied`: its quarantine is empty, and its journal does not say why; `nothing`: it has
 * changed nothing.
 */
export type RunState = "swept" | "untagged" | "repaired" | "restored" | "purged" | "emptied" | "nothing";

/** A run, as its journal and its storage tell. */
export interface ListedRun {
  readonly runId: string;
  readonly startedAt: string;
  readonly work: RunWork;
  readonly mode: RunHead["head"]["mode"];
  readonly state: RunState;
  /** Where what it removed can be brought back from, as long as it was not; undefined where it is gone for good, and for a repair. */
  readonly keptIn: KeptIn | undefined;
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
  const others = [...(own?.quarantine ?? [])].filter(([runId]) => !runs.has(runId));
  for (const copied of target === undefined ? [] : await findCopied(others, target)) {
    if (typeof copied === "string") problems.push(copied);
    else runs.set(copied.runId, copied);
  }
  return { runs: [...runs.values()].sort((a, b) => (a.runId < b.runId ? -1 : 1)), problems };
}

/**
 * Runs by the copies of their journals, or why there is none. Nothing of what a run has left that was killed before it took anything: that is no
 * run, and `purge --older-than` removes it.
 */
async function findCopied(
  quarantined: Iterable<readonly [string, QuarantinedRun]>,
  { changes }: SweepTarget,
): Promise<readonly (ListedRun | string)[]> {
  const found: (ListedRun | string)[] = [];
  for (const [runId, held] of quarantined) {
    const copied = await readCopiedHead(runId, changes);
    if (copied !== undefined) found.push(fromCopy(copied, held));
    else if (held.hasMoved || !(await neverBegan(runId, changes)))
      found.push(`regcheck/quarantine/${runId}: no journal of it, here or in the quarantine`);
  }
  return found;
}

function fromCopy(copied: RunHead, { bytes, hasMoved }: QuarantinedRun): ListedRun {
  const { work, mode } = copied.head;
  const keptIn = mode === "versions" ? mode : "quarantine";
  // In older versions, nothing has moved.
  const state = hasMoved || mode !== "quarantine" ? DONE[work] : "emptied";
  return { ...described(copied), state, keptIn, bytes: hasMoved ? bytes : undefined, journal: undefined };
}

function fromJournal(run: RunHead, directory: string, own: OwnData | undefined): ListedRun {
  const { runId, mode, work } = run.head;
  const { fate, removedBytes, didNothing } = readRunEnd(directory, runId);
  const inQuarantine = own?.quarantine.get(runId);
  const base = { ...described(run), keptIn: whereKept(directory, run), journal: journalFile(directory, runId) };
  if (inQuarantine?.hasMoved === true) return { ...base, state: DONE[work], bytes: inQuarantine.bytes };
  if (didNothing || hasNothing(directory, runId)) return { ...base, state: "nothing", keptIn: undefined, bytes: 0 };
  if (fate !== undefined) return { ...base, state: fate.state, bytes: removedBytes };
  const isEmptied = mode === "quarantine" && own !== undefined && own.fault === undefined;
  return { ...base, state: isEmptied ? "emptied" : DONE[work], bytes: removedBytes };
}

function described({ head, startedAt }: RunHead) {
  const { runId, work, mode, storage } = head;
  return { runId, startedAt, work, mode, storage };
}
