import { UsageError } from "../errors.js";
import { isSameStorage } from "../storage/identity.js";
import type { StorageIdentity } from "../storage/identity.js";
import { listRuns, readRun, readRunHead } from "../journal/read-run.js";
import type { JournaledRun } from "../journal/read-run.js";
import { QUARANTINE } from "../registry/layout.js";
import type { StorageChanges } from "../storage/changes.js";
import { isRunId } from "../storage/run-name.js";
import { isCurrent } from "./link-content.js";

/** What is known of the runs that came after one. */
export interface LaterRuns {
  /** Whether there is any. */
  readonly areSome: boolean;
  /** The run that has taken what a tag named last, by the path of the tag's link: to put an older one back would hide it. */
  readonly tags: ReadonlyMap<string, string>;
}

/**
 * Looks for later runs that have not been undone: in the storage's quarantine, by one listing, and among the journals of a directory, if one is given.
 * Throws an `OperatorError`.
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
  for (const runId of directory === undefined ? [] : listRuns(directory)) {
    if (runId <= head.runId) continue;
    areSome = true;
    for (const path of takenForGood(directory ?? "", runId, head.storage)) note(path, runId);
  }
  return { areSome, tags };
}

/**
 * What an untag without a quarantine has taken of a storage and can write again from its journal alone, if it has not: what is in a quarantine is found
 * there. Nothing of a journal that cannot be read.
 */
function* takenForGood(directory: string, runId: string, storage: StorageIdentity): Generator<string> {
  try {
    const head = readRunHead(directory, runId)?.head;
    if (head?.mode !== "delete" || head.work !== "untag" || !isSameStorage(head.storage, storage)) return;
    const run = readRun(directory, runId);
    if (run.fate === undefined) for (const { path } of run.removals()) yield path;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
  }
}
