import { UsageError } from "../errors.js";
import { isSameStorage } from "../storage/identity.js";
import type { JournalHead } from "../journal/journal.js";
import { listRuns, readRun, readRunHead } from "../journal/read-run.js";
import type { JournaledRun } from "../journal/read-run.js";
import { QUARANTINE } from "../registry/layout.js";
import type { StorageChanges } from "../storage/changes.js";
import { causeOf } from "../system-errors.js";
import type { Restored } from "./restored.js";
import { isRunId } from "../storage/run-name.js";
import { isCurrent } from "./link-content.js";

/** What is known of the runs that came after one. */
export interface LaterRuns {
  /** Whether there is any. */
  readonly areSome: boolean;
  /** The run that has taken what a tag named last, by the path of the tag's link: to put an older one back would hide it. */
  readonly tags: ReadonlyMap<string, string>;
  /** What could not be read, so that there may be more of them. */
  readonly warnings: Restored["warnings"];
}

/**
 * Looks for later runs of the same storage that have not been undone: in its quarantine, by one listing, and among the journals of a directory, if one
 * is given; where these cannot be listed, there may be some. Throws an `OperatorError`.
 */
export async function findLaterRuns(
  { head }: Pick<JournaledRun, "head">,
  changes: StorageChanges,
  directory: string | undefined,
): Promise<LaterRuns> {
  const tags = new Map<string, string>();
  let areSome = false;
  const note = (path: string, runId: string): void => {
    if (isCurrent(path) && (tags.get(path) ?? "") < runId) tags.set(path, runId);
  };
  for await (const { path: object } of changes.list(QUARANTINE)) {
    const [runId = "", ...below] = object.slice(QUARANTINE.length + 1).split("/");
    if (!isRunId(runId) || runId <= head.runId) continue;
    areSome = true;
    note(below.join("/"), runId);
  }
  const { runIds, warnings } = journaledIn(directory);
  if (warnings.length > 0) areSome = true;
  for (const runId of runIds) {
    if (runId <= head.runId) continue;
    const later = headOf(directory ?? "", runId);
    if (later !== undefined && !isSameStorage(later.storage, head.storage)) continue;
    areSome = true;
    if (later?.mode === "delete" && later.work === "untag")
      for (const path of takenForGood(directory ?? "", runId)) note(path, runId);
  }
  return { areSome, tags, warnings };
}

function journaledIn(directory: string | undefined): { readonly runIds: readonly string[] } & Pick<LaterRuns, "warnings"> {
  if (directory === undefined) return { runIds: [], warnings: [] };
  try {
    return { runIds: listRuns(directory), warnings: [] };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const cause = `later runs whose journals are there are not known: ${causeOf(error.cause)}`;
    return { runIds: [], warnings: [{ path: directory, cause }] };
  }
}

/** Undefined where the journal cannot be read: it may be of the same storage. */
function headOf(directory: string, runId: string): JournalHead | undefined {
  try {
    return readRunHead(directory, runId)?.head;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return undefined;
  }
}

/**
 * What an untag without a quarantine has taken and can write again from its journal alone, if it has not: what is in a quarantine is found there.
 * Nothing of a journal that cannot be read.
 */
function* takenForGood(directory: string, runId: string): Generator<string> {
  try {
    const run = readRun(directory, runId);
    if (run.fate === undefined) for (const { path } of run.removals()) yield path;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
  }
}
