import path from "node:path";
import pLimit from "p-limit";
import { EXIT_CODES, OperatorError } from "../errors.js";
import { Digest } from "../registry/digest.js";
import { OWN, QUARANTINE } from "../registry/layout.js";
import type { ChangeOutcome, StorageChanges } from "../storage/changes.js";
import { giveWay } from "../until-aborted.js";
import type { JournaledRun, JournalEntry } from "./journal.js";
import { countUndoable, undoWrites } from "./undo-writes.js";

/** What `restore` did. */
export interface Restored {
  /** Objects that are back. */
  readonly restored: number;
  /** Objects that were back already, or had never gone. */
  readonly present: number;
  /** Objects that could not be brought back, and why. */
  readonly problems: readonly { readonly path: string; readonly cause: string }[];
}

const BATCH = 1000;
/** Objects that are read or looked for at a time. */
const AT_A_TIME = 16;

/**
 * Puts back what a run has quarantined, in the order opposite to the sweep's, so that no link comes back before what it names: a registry
 * may be running and serving, for a tag appears when all that it needs is there. That is why this asks for no proof that nobody
 * writes: it adds only what nobody else has written since. Blobs are verified against their digest. Nothing is overwritten, and what
 * is back already is left alone: it is safe to repeat. Ends after a batch when the signal aborts, and throws its reason. Throws an
 * `OperatorError` for a run that deleted for good.
 */
export async function restore(run: JournaledRun, changes: StorageChanges, signal?: AbortSignal): Promise<Restored> {
  if (run.head.mode === "repair") return undoWrites(run.writes, changes, signal);
  insistOnUndo(run);
  const { runId } = run.head;
  const restorer = new Restorer(run, changes);
  for (const batch of batchesToRestore(run)) {
    await giveWay(signal);
    await restorer.restoreBatch(batch);
  }
  if (!isHidden(run) && restorer.problems.length === 0) await changes.pruneDirectories([quarantineOf(runId), QUARANTINE, OWN]);
  return { restored: restorer.restored, present: restorer.present, problems: restorer.problems };
}

/** How many objects `restore` would look at: those of the run that are out of the storage's sight now. Changes nothing. */
export async function countRestorable(run: JournaledRun, changes: StorageChanges): Promise<number> {
  if (run.head.mode === "repair") return countUndoable(run.writes, changes);
  insistOnUndo(run);
  let count = 0;
  if (isHidden(run)) {
    for (const batch of batchesToRestore(run))
      count += (await changes.deleteMarkers(batch.map((entry) => entry.path))).filter((marker) => marker !== undefined).length;
  } else {
    for await (const _ of changes.list(quarantineOf(run.head.runId))) count++;
  }
  return count;
}

/** Whether the run's objects are behind delete markers, of which the bucket keeps the versions. */
function isHidden({ head, deleteMarkers }: JournaledRun): boolean {
  return head.mode === "versions" || (head.mode === "delete" && deleteMarkers.size > 0);
}

function insistOnUndo(run: JournaledRun): void {
  const { mode, runId } = run.head;
  if (mode === "delete" && !isHidden(run))
    throw new OperatorError(
      `run ${runId} deleted for good: there is nothing to restore from. Its journal says what it was; sweep with --quarantine to be able to undo.`,
      EXIT_CODES.usage,
    );
}

function* batchesToRestore(run: JournaledRun): Generator<JournalEntry[]> {
  const entries = run.entries.filter(({ kind }) => kind !== "multipart").toReversed();
  for (let at = 0; at < entries.length; at += BATCH) yield entries.slice(at, at + BATCH);
}

/** What a quarantine holds. */
export interface Quarantined {
  readonly objects: number;
  readonly bytes: number;
}

/** Empties a run's quarantine for good. Returns how much that freed. Ends after a batch when the signal aborts, and throws its reason. */
export async function purge(runId: string, changes: StorageChanges, signal?: AbortSignal): Promise<Quarantined> {
  let objects = 0;
  let bytes = 0;
  let batch: string[] = [];
  const flush = async (): Promise<void> => {
    await giveWay(signal);
    const failed = (await changes.remove(batch)).find(({ status }) => status === "failed");
    if (failed !== undefined)
      throw new OperatorError(
        `${failed.path}: ${failed.cause ?? "could not be removed"}. It is safe to run again.`,
        EXIT_CODES.stopped,
      );
    batch = [];
  };
  for await (const object of changes.list(quarantineOf(runId))) {
    objects++;
    bytes += object.bytes;
    batch.push(object.path);
    if (batch.length >= BATCH) await flush();
  }
  await flush();
  await changes.pruneDirectories([quarantineOf(runId), QUARANTINE, OWN]);
  return { objects, bytes };
}

/** What `purge` would free. Changes nothing. */
export async function countQuarantined(runId: string, changes: StorageChanges): Promise<Quarantined> {
  let objects = 0;
  let bytes = 0;
  for await (const object of changes.list(quarantineOf(runId))) {
    objects++;
    bytes += object.bytes;
  }
  return { objects, bytes };
}

function quarantineOf(runId: string): string {
  return `${QUARANTINE}/${runId}`;
}

const NOWHERE =
  "it is neither in the storage nor in the quarantine of this run: if a later run has taken it, restore that one first";

class Restorer {
  restored = 0;
  present = 0;
  readonly problems: { path: string; cause: string }[] = [];

  constructor(
    private readonly run: JournaledRun,
    private readonly changes: StorageChanges,
  ) {}

  async restoreBatch(entries: readonly JournalEntry[]): Promise<void> {
    if (isHidden(this.run)) {
      await this.#countAll(await this.#unhide(entries));
      await this.#each(entries, (entry) => this.#isSound(entry, entry.path));
      return;
    }
    const quarantine = quarantineOf(this.run.head.runId);
    const sound = await this.#each(entries, (entry) => this.#isSound(entry, `${quarantine}/${entry.path}`));
    await this.#countAll(await this.#moveBack(entries.filter((_, i) => sound[i])));
  }

  #each<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
    const limit = pLimit(AT_A_TIME);
    return Promise.all(items.map((item) => limit(work, item)));
  }

  #countAll(outcomes: readonly ChangeOutcome[]): Promise<unknown> {
    return this.#each(outcomes, (outcome) => this.#count(outcome));
  }

  /** Whether a blob is what its digest says, if it is there; links are small and their content is known by what reads them. */
  async #isSound({ kind, path: object, digest: text }: JournalEntry, at: string): Promise<boolean> {
    const digest = kind === "blob" && text !== undefined ? Digest.parse(text) : undefined;
    if (digest === undefined) return true;
    const hex = await this.changes.digest(at, digest.algorithm);
    if (hex === undefined || hex === digest.hex) return true;
    const what = at === object ? "its content" : "its content in the quarantine";
    const then = at === object ? "as it was before the sweep" : "not put back";
    this.problems.push({ path: object, cause: `${what} has the digest ${digest.algorithm}:${hex}: ${then}` });
    return false;
  }

  #moveBack(entries: readonly JournalEntry[]): Promise<readonly ChangeOutcome[]> {
    const from = quarantineOf(this.run.head.runId);
    return this.changes.move(entries.map((entry) => ({ from: `${from}/${entry.path}`, to: entry.path })));
  }

  /** Of a sweep that was killed the journal may lack the last markers: the bucket knows them. */
  async #unhide(entries: readonly JournalEntry[]): Promise<readonly ChangeOutcome[]> {
    const unknown = entries.filter((entry) => !this.run.deleteMarkers.has(entry.path)).map((entry) => entry.path);
    const found = await this.changes.deleteMarkers(unknown);
    const markers = new Map(unknown.map((object, i) => [object, found[i]]));
    const isAbsent = (object: string): boolean => markers.has(object) && markers.get(object) === undefined;
    const hidden = entries.flatMap(({ path: object }) => {
      const deleteMarker = this.run.deleteMarkers.get(object) ?? markers.get(object);
      return deleteMarker === undefined ? [] : [{ path: object, deleteMarker }];
    });
    const absent = entries.filter((entry) => isAbsent(entry.path));
    return [
      ...(await this.changes.unhide(hidden)),
      ...absent.map((entry): ChangeOutcome => ({ path: entry.path, status: "absent" })),
    ];
  }

  async #count({ path: moved, status, cause }: ChangeOutcome): Promise<void> {
    const prefix = `${quarantineOf(this.run.head.runId)}/`;
    const original = moved.startsWith(prefix) ? moved.slice(prefix.length) : moved;
    if (status === "done") this.restored++;
    else if (status === "failed") this.problems.push({ path: original, cause: cause ?? "no answer" });
    // Not in the quarantine: it is back already, or the sweep was killed before it came to it, and a later one may have taken it.
    else if (!(await this.#exists(original))) this.problems.push({ path: original, cause: NOWHERE });
    else this.present++;
  }

  async #exists(object: string): Promise<boolean> {
    for await (const found of this.changes.list(path.posix.dirname(object))) if (found.path === object) return true;
    return false;
  }
}
