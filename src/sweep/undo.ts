import path from "node:path";
import { EXIT_CODES, OperatorError } from "../errors.js";
import { Digest } from "../registry/digest.js";
import { OWN, QUARANTINE } from "../registry/layout.js";
import type { ChangeOutcome, StorageChanges } from "../storage/changes.js";
import type { JournaledRun, JournalEntry } from "./journal.js";
import { undoWrites } from "./undo-writes.js";

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

/**
 * Puts back what a run has quarantined, or what was in the place of the links that it wrote, in the order opposite to the sweep's, so that no link comes back before what it names. Blobs
 * are verified against their digest first. Nothing is overwritten, and what is back already is left alone: it is safe to repeat.
 * Throws an `OperatorError` for a run that deleted for good.
 */
export async function restore(run: JournaledRun, changes: StorageChanges): Promise<Restored> {
  const { mode, runId } = run.head;
  if (mode === "repair") return undoWrites(run.writes, changes);
  if (mode === "delete")
    throw new OperatorError(
      `run ${runId} deleted for good: there is nothing to restore from. Its journal says what it was; sweep with --quarantine to be able to undo.`,
      EXIT_CODES.usage,
    );
  const restorer = new Restorer(run, changes);
  const entries = run.entries.filter(({ kind }) => kind !== "multipart").toReversed();
  for (let at = 0; at < entries.length; at += BATCH) await restorer.restoreBatch(entries.slice(at, at + BATCH));
  if (mode === "quarantine" && restorer.problems.length === 0)
    await changes.pruneDirectories([quarantineOf(runId), QUARANTINE, OWN]);
  return { restored: restorer.restored, present: restorer.present, problems: restorer.problems };
}

/** Empties a run's quarantine for good. Returns how much that freed. */
export async function purge(
  runId: string,
  changes: StorageChanges,
): Promise<{ readonly objects: number; readonly bytes: number }> {
  let objects = 0;
  let bytes = 0;
  let batch: string[] = [];
  const flush = async (): Promise<void> => {
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

function quarantineOf(runId: string): string {
  return `${QUARANTINE}/${runId}`;
}

class Restorer {
  restored = 0;
  present = 0;
  readonly problems: { path: string; cause: string }[] = [];

  constructor(
    private readonly run: JournaledRun,
    private readonly changes: StorageChanges,
  ) {}

  async restoreBatch(entries: readonly JournalEntry[]): Promise<void> {
    const sound: JournalEntry[] = [];
    for (const entry of entries) if (await this.#isSound(entry)) sound.push(entry);
    const outcomes = this.run.head.mode === "versions" ? await this.#unhide(sound) : await this.#moveBack(sound);
    for (const outcome of outcomes) await this.#count(outcome);
  }

  /** Whether the quarantined blob is what its digest says; links are small and their content is known by what reads them. */
  async #isSound({ kind, path: object, digest: text }: JournalEntry): Promise<boolean> {
    const digest = kind === "blob" && text !== undefined ? Digest.parse(text) : undefined;
    if (digest === undefined || this.run.head.mode === "versions") return true;
    const hex = await this.changes.digest(`${quarantineOf(this.run.head.runId)}/${object}`, digest.algorithm);
    if (hex === undefined || hex === digest.hex) return true;
    this.problems.push({
      path: object,
      cause: `its content in the quarantine has the digest ${digest.algorithm}:${hex}: not put back`,
    });
    return false;
  }

  #moveBack(entries: readonly JournalEntry[]): Promise<readonly ChangeOutcome[]> {
    const from = quarantineOf(this.run.head.runId);
    return this.changes.move(entries.map((entry) => ({ from: `${from}/${entry.path}`, to: entry.path })));
  }

  async #unhide(entries: readonly JournalEntry[]): Promise<readonly ChangeOutcome[]> {
    const markers = entries.flatMap((entry) => {
      const deleteMarker = this.run.deleteMarkers.get(entry.path);
      return deleteMarker === undefined ? [] : [{ path: entry.path, deleteMarker }];
    });
    return this.changes.unhide(markers);
  }

  async #count({ path: moved, status, cause }: ChangeOutcome): Promise<void> {
    const prefix = `${quarantineOf(this.run.head.runId)}/`;
    const original = moved.startsWith(prefix) ? moved.slice(prefix.length) : moved;
    if (status === "done") this.restored++;
    else if (status === "failed") this.problems.push({ path: original, cause: cause ?? "no answer" });
    // Not in the quarantine: it is back already, or the sweep was killed before it came to it. If it is in neither place, say so.
    else if (!(await this.#exists(original)))
      this.problems.push({ path: original, cause: "it is neither in the storage nor in the quarantine" });
    else this.present++;
  }

  async #exists(object: string): Promise<boolean> {
    for await (const found of this.changes.list(path.posix.dirname(object))) if (found.path === object) return true;
    return false;
  }
}
