import { EXIT_CODES, OperatorError, UsageError } from "../errors.js";
import type { StorageChanges } from "../storage/changes.js";
import { slices } from "../slices.js";
import { giveWay } from "../until-aborted.js";
import { findLaterRuns } from "./later-runs.js";
import type { LaterRuns } from "./later-runs.js";
import { removeJournalCopy, withJournalCopy } from "../journal/journal-copy.js";
import { listQuarantined, pruneQuarantine, quarantineOf } from "../journal/quarantine.js";
import { readRun } from "../journal/read-run.js";
import type { JournaledRun, Removal } from "../journal/read-run.js";
import { countQuarantined } from "./purge.js";
import type { RestoreContext, Restored } from "./restored.js";
import { Restorer } from "./restorer.js";
import { rewriteTags } from "./rewrite-tags.js";
import { undoWrites } from "./undo-writes.js";

const BATCH = 1000;

/**
 * Puts back what a run has removed, in the order opposite to the sweep's, so that no link comes back before what it names: a registry
 * may be running and serving, for a tag appears when all that it needs is there. What names something that is gone stays away, unless
 * that was gone before the run. That is why this asks for no proof that nobody writes: it adds only what nobody else has written
 * since. Blobs are compared with their digest; one that is something else comes back as
 * it was, with a warning. Nothing is overwritten but a damaged link, which names nothing, and what is back already is left alone: it is safe to
 * repeat. What later runs have taken is looked for in the quarantine, and in `journalDirectory` if that is given. Ends after a batch when the signal aborts, and throws its reason. Throws an `OperatorError` for a run that deleted for good.
 * Undoing a repair is another matter: `undoWrites`.
 */
export async function restoreObjects(
  run: JournaledRun,
  changes: StorageChanges,
  { signal, journalDirectory, afterPushes }: RestoreContext = {},
): Promise<Restored> {
  if (run.head.mode === "repair") return undoWrites(run, changes, signal);
  const later = await findLaterRuns(run, changes, journalDirectory);
  const isRewritten = await isOfLinksAlone(run, changes);
  const bringBack = isRewritten ? rewriteTags : bringObjectsBack;
  const restored = await bringBack(run, changes, later, { signal, afterPushes });
  return { ...restored, warnings: [...later.warnings, ...restored.warnings] };
}

/** The same for what is in a quarantine, or behind delete markers. */
async function bringObjectsBack(
  run: JournaledRun,
  changes: StorageChanges,
  later: LaterRuns,
  { signal, afterPushes }: Pick<RestoreContext, "signal" | "afterPushes">,
): Promise<Restored> {
  await insistOnNotPurged(run, changes);
  const isHidden = await isBehindMarkers(run, changes);
  const restorer = new Restorer(run, isHidden, changes, later, afterPushes);
  for (const batch of batchesToRestore(run)) {
    await giveWay(signal);
    await restorer.restoreBatch(batch);
  }
  // In a bucket each manifest is a GET, which is spent only where another run may have taken what it needs.
  if (!changes.isRemote || later.areSome) await restorer.lookForLacking();
  const { restored, present, warnings, problems } = restorer;
  if (run.head.mode !== "delete" && problems.length === 0) {
    const cause = await leftBehind(run, changes, signal);
    if (cause !== undefined) problems.push({ path: quarantineOf(run.head.runId), cause });
    else {
      await removeJournalCopy(run.head.runId, changes);
      await pruneQuarantine(run.head.runId, changes);
    }
  }
  return { restored, present, warnings, problems };
}

/** Says what the run has taken besides what is in the journal that was read: one that was cut, or copied while the run went on. */
async function leftBehind(run: JournaledRun, changes: StorageChanges, signal?: AbortSignal): Promise<string | undefined> {
  const { runId, mode } = run.head;
  const left = mode === "versions" ? await countUnnamed(run, changes, signal) : (await countQuarantined(runId, changes)).objects;
  if (left === 0) return undefined;
  return `${left} ${left === 1 ? "object" : "objects"} of this run ${left === 1 ? "is" : "are"} not in the journal that was read, which was cut: move that file away, and run regcheck restore ${runId} --storage …, which reads the quarantine's copy`;
}

/** Objects that the copy of the journal names, and this journal does not. */
async function countUnnamed(run: JournaledRun, changes: StorageChanges, signal?: AbortSignal): Promise<number> {
  const count = ({ removals }: JournaledRun): number => Array.from(removals()).length;
  const { runId } = run.head;
  const work = (directory: string): Promise<number> => Promise.resolve(count(readRun(directory, runId)));
  const copied = await withJournalCopy(runId, changes, work, signal ?? new AbortController().signal);
  return Math.max(0, (copied?.result ?? 0) - count(run));
}

/** Objects that are asked about before it is known that none is left. */
const ASKED = 16;

/** Whether any object of a run in the older versions of its bucket can still be brought back: they expire, by a rule of the bucket's. */
export async function hasVersionsLeft(run: JournaledRun, changes: StorageChanges): Promise<boolean> {
  for (const batch of batchesToRestore(run))
    for (const some of slices(batch, ASKED)) {
      const hiding = await changes.hiding(some.map(({ path }) => path));
      if (hiding.some(({ markers, written }) => markers.length > 0 && written !== undefined)) return true;
    }
  return false;
}

/**
 * Whether the run's objects are behind delete markers: where the bucket keeps versions, even a sweep without a quarantine can be undone,
 * and where it once did, what there is of such a time.
 * Throws an `OperatorError` where there is nothing to restore from.
 */
async function isBehindMarkers(run: JournaledRun, changes: StorageChanges): Promise<boolean> {
  const { head, hasDeleteMarkers } = run;
  if (head.mode !== "delete") return head.mode === "versions";
  if (hasDeleteMarkers || (await changes.keepsVersions())) return true;
  // What was stored before versions were suspended is behind a marker that tells nothing of it.
  if ((await changes.mayHaveVersions()) && (await hasVersionsLeft(run, changes))) return true;
  throw new OperatorError(
    `run ${head.runId} deleted for good: there is nothing to restore from. Its journal says what it was; sweep with --quarantine to be able to undo.`,
    EXIT_CODES.usage,
  );
}

/** Whether the run can be undone by writing what it removed: an untag that deleted, in a storage that keeps no versions. */
async function isOfLinksAlone({ head, hasDeleteMarkers }: JournaledRun, changes: StorageChanges): Promise<boolean> {
  return head.work === "untag" && head.mode === "delete" && !hasDeleteMarkers && !(await changes.keepsVersions());
}

/** Throws an `OperatorError` for a run whose quarantine was purged: nothing of it can come back. */
async function insistOnNotPurged({ head, fate }: JournaledRun, changes: StorageChanges): Promise<void> {
  if (fate?.state !== "purged") return;
  for await (const _ of listQuarantined(head.runId, changes)) return;
  throw new UsageError(`run ${head.runId} was purged at ${fate.at}: what it took is gone for good`);
}

/** Each of one kind: what comes back in a batch does not depend on anything else in it. */
function* batchesToRestore(run: JournaledRun): Generator<Removal[]> {
  let batch: Removal[] = [];
  for (const removal of run.removals()) {
    if (removal.kind === "multipart") continue;
    if (batch.length >= BATCH || (batch[0]?.kind ?? removal.kind) !== removal.kind) {
      yield batch;
      batch = [];
    }
    batch.push(removal);
  }
  if (batch.length > 0) yield batch;
}
