import pLimit from "p-limit";
import { EXIT_CODES, operatorMessage, OperatorError, UsageError } from "../errors.js";
import { Digest } from "../registry/digest.js";
import type { ChangeOutcome, StorageChanges, StoredObject } from "../storage/changes.js";
import { slices } from "../slices.js";
import { giveWay } from "../until-aborted.js";
import type { AfterPushes } from "./after-pushes.js";
import { LinkTargets } from "./link-targets.js";
import { findLaterRuns } from "./later-runs.js";
import type { LaterRuns } from "./later-runs.js";
import { orderOf } from "../journal/item-kinds.js";
import { removeJournalCopy, withJournalCopy } from "../journal/journal-copy.js";
import { directoriesOf, listQuarantined, pruneQuarantine, quarantineOf } from "../journal/quarantine.js";
import { readRun } from "../journal/read-run.js";
import type { JournaledRun, Removal } from "../journal/read-run.js";
import { countQuarantined } from "./purge.js";
import { settle, settleSeen } from "./settle.js";
import type { Settlement } from "./settle.js";
import { takenAnew } from "./taken-anew.js";
import { rewriteTags } from "./rewrite-tags.js";
import type { RestoreContext, Restored } from "./restored.js";
import { undoWrites } from "./undo-writes.js";
import { unhide } from "./unhide.js";
import { lackingManifests } from "./whole-images.js";

const BATCH = 1000;
/** Objects that are read or looked for at a time. */
const AT_A_TIME = 16;

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
  if (await isOfLinksAlone(run, changes)) return rewriteTags(run, changes, later, { signal, afterPushes });
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

const NOWHERE =
  "it is neither in the storage nor in the quarantine of this run: if a later run has taken it, restore that one first";

class Restorer {
  restored = 0;
  present = 0;
  readonly warnings: { path: string; cause: string }[] = [];
  readonly problems: { path: string; cause: string }[] = [];
  readonly #targets: LinkTargets;
  readonly #manifests: Removal[] = [];
  /** When the last link of a manifest came back, in seconds since 1970. */
  #lastBack = 0;

  constructor(
    private readonly run: JournaledRun,
    private readonly isHidden: boolean,
    private readonly changes: StorageChanges,
    private readonly later: LaterRuns,
    private readonly afterPushes: AfterPushes | undefined,
  ) {
    this.#targets = new LinkTargets(changes, (object) => (isHidden ? undefined : this.#placeOf(object)));
  }

  async restoreBatch(removals: readonly Removal[]): Promise<void> {
    if (removals[0]?.kind === "directory") {
      for (const { path } of removals) await this.#makeDirectory(path);
      return;
    }
    const ready = await this.#ready(removals);
    if (this.isHidden) {
      const outcomes = await unhide(ready, beginningOf(this.run), this.changes);
      await pLimit(AT_A_TIME).map(ready, (removal, i) => this.#afterUnhiding(removal, outcomes[i]));
      return;
    }
    const contents = await pLimit(AT_A_TIME).map(ready, (removal) => this.#nearHexOf(removal, this.#placeOf(removal.path)));
    if (ready[0]?.kind === "tag") await this.afterPushes?.wait(Math.max(this.#lastBack, this.#targets.lastLinked));
    const outcomes = await this.changes.move(
      ready.map(({ path }) => ({ from: this.#placeOf(path), to: path })),
      orderOf(ready),
    );
    for (const [i, removal] of ready.entries()) {
      const outcome = outcomes[i];
      if (outcome?.status !== "done") continue;
      this.#compare(removal, contents[i]);
      this.#measure(removal, outcome);
    }
    await pLimit(AT_A_TIME).map(ready, (removal, i) => this.#afterMoving(removal, outcomes[i]));
    const moved = outcomes.filter(({ status }) => status === "done").map(({ path }) => path);
    await this.changes.pruneDirectories(directoriesOf(moved), "any order");
  }

  /** When all is back: whether each manifest has what it needs. */
  async lookForLacking(): Promise<void> {
    for (const warning of await lackingManifests(this.#manifests, this.#targets)) this.warnings.push(warning);
  }

  #placeOf(object: string): string {
    return `${quarantineOf(this.run.head.runId)}/${object}`;
  }

  /** Those whose targets are there. Where something is lost, manifests are asked one after the other: an index comes after its parts. */
  async #ready(removals: readonly Removal[]): Promise<readonly Removal[]> {
    const ready = await this.#withTargets(removals, AT_A_TIME);
    const isLossy = this.problems.length > 0 && removals[0]?.kind === "revision";
    return isLossy ? this.#withTargets(ready, 1) : ready;
  }

  async #withTargets(removals: readonly Removal[], atATime: number): Promise<readonly Removal[]> {
    const isReady = await pLimit(atATime).map(removals, async (removal) => {
      // Delete markers tell by themselves whose they are.
      const anew = this.isHidden ? undefined : await takenAnew(removal.path, this.later, this.changes);
      if (anew !== undefined) {
        this.#fail(removal, anew);
        return false;
      }
      const missing = await this.#targets.missing(removal);
      if (missing === undefined) return true;
      const cause = `not put back: it names ${missing}, which is gone`;
      const there = await this.changes.stat(removal.path);
      if (there === undefined) this.#fail(removal, cause);
      else await this.#leave(removal, there.bytes, cause, false);
      return false;
    });
    return removals.filter((_, i) => isReady[i]);
  }

  #fail(removal: Removal, cause: string): void {
    this.problems.push({ path: removal.path, cause });
    this.#targets.lose(removal);
  }

  async #makeDirectory(directory: string): Promise<void> {
    try {
      if (await this.changes.makeDirectory(directory)) this.restored++;
      else this.present++;
    } catch (error) {
      if (!(error instanceof OperatorError)) throw error;
      this.problems.push({ path: directory, cause: error.message });
    }
  }

  /** Warns of a blob that is back and is not what its digest says; links are small and their content is known by what reads them. */
  #compare(removal: Removal, hex: string | undefined): void {
    const digest = digestOf(removal);
    if (hex === undefined || digest === undefined || hex === digest.hex) return;
    const cause = `it is back, but its content has the digest ${digest.algorithm}:${hex}: so it was before the sweep, unless the quarantine is damaged`;
    this.warnings.push({ path: removal.path, cause });
  }

  /** Warns of a blob that has another size than the run saw: all that can be told of a copy in a bucket without reading it. */
  #measure(removal: Removal, { bytes }: ChangeOutcome): void {
    if (removal.kind !== "blob" || bytes === undefined || bytes === removal.bytes) return;
    const cause = `it is back, but it has ${bytes} bytes, and had ${removal.bytes} when it was removed: the quarantine is damaged`;
    this.warnings.push({ path: removal.path, cause });
  }

  /**
   * The same, only where that takes no request. From a bucket every blob that comes back would be downloaded, for a warning alone: the
   * bucket has copied it whole (the copy is of the ETag and the size that were asked for), or never moved it where it keeps versions.
   * What was damaged before is found by `--verify`, as anywhere.
   */
  #nearHexOf(removal: Removal, at: string): Promise<string | undefined> {
    return this.changes.isRemote ? Promise.resolve(undefined) : this.#hexOf(removal, at);
  }

  /** The hash of a blob's content; undefined where there is none, and for what is no blob. */
  async #hexOf(removal: Removal, at: string): Promise<string | undefined> {
    const digest = digestOf(removal);
    return digest && this.changes.digest(at, digest.algorithm);
  }

  async #afterUnhiding(removal: Removal, outcome: ChangeOutcome | undefined): Promise<void> {
    if (outcome?.status !== "done") this.#fail(removal, outcome?.cause ?? "no answer");
    else if (outcome.found === "same") await this.#leave(removal, outcome.bytes, "", true);
    else {
      this.#compare(removal, await this.#nearHexOf(removal, removal.path));
      this.#count(removal, outcome);
    }
  }

  async #afterMoving(removal: Removal, outcome: ChangeOutcome | undefined): Promise<void> {
    if (outcome?.status === "done") {
      this.#targets.gain(removal);
      if (removal.kind === "revision") this.#lastBack = this.afterPushes?.now ?? 0;
      this.#count(removal, outcome);
    } else if (outcome?.found === "other") await this.#settle(removal, outcome);
    else if (outcome?.status !== "absent") this.#fail(removal, outcome?.cause ?? "no answer");
    // Not in the quarantine: it is back already, or the sweep was killed before it came to it, and a later one may have taken it.
    else await this.#compareSize(removal, await this.changes.stat(removal.path));
  }

  /** A blob that is there, and nowhere else, may be another than the run took: an empty one, after a push that failed. */
  async #compareSize(removal: Removal, there: StoredObject | undefined): Promise<void> {
    if (there === undefined) {
      this.#fail(removal, NOWHERE);
      return;
    }
    this.present++;
    if (removal.kind !== "blob" || there.bytes === removal.bytes) return;
    const cause = `it is there, but it has ${there.bytes} bytes, and had ${removal.bytes} when it was removed: somebody has written it since`;
    this.warnings.push({ path: removal.path, cause });
  }

  /** Somebody has written it since: a link as he wanted it, and a blob the same content, if it is sound. Nothing of it is left in the quarantine. */
  async #settle(removal: Removal, { cause = "" }: ChangeOutcome): Promise<void> {
    const digest = digestOf(removal);
    if (digest !== undefined) {
      if ((await this.#hexOf(removal, removal.path)) !== digest.hex) {
        this.#fail(removal, `${cause}, and it is not what the digest says`);
        return;
      }
      const [removed] = await this.changes.remove([this.#placeOf(removal.path)]);
      if (removed?.status === "failed") this.problems.push({ path: removed.path, cause: removed.cause ?? "no answer" });
      this.present++;
    } else await this.#leave(removal, undefined, cause, true);
  }

  /** What is in the storage stays, unless it is a damaged link; nothing of it is left in the quarantine, unless it is nowhere else. */
  async #leave(removal: Removal, bytes: number | undefined, cause: string, isReady: boolean): Promise<void> {
    const { path } = removal;
    const settled = await this.#settled(removal, bytes, cause, isReady);
    const { warning, problem, isReplaced } = settled;
    if (warning !== undefined) this.warnings.push({ path, cause: warning });
    if (problem !== undefined) this.#fail(removal, problem);
    else if (isReplaced === true) this.#count(removal, {});
    else this.#count(removal, { found: "other" });
  }

  async #settled(removal: Removal, bytes: number | undefined, cause: string, isReady: boolean): Promise<Settlement> {
    const { path } = removal;
    if (!this.isHidden) return settle({ place: this.#placeOf(path), path, cause, isReady }, this.changes);
    try {
      return await settleSeen(removal, bytes, isReady, this.changes);
    } catch (error) {
      return { problem: operatorMessage(error) };
    }
  }

  #count(removal: Removal, { found }: Pick<ChangeOutcome, "found">): void {
    if (removal.kind === "revision") this.#manifests.push(removal);
    if (found === undefined) this.restored++;
    else this.present++;
  }
}

/** When a run began, by the clock that tells when objects were written: ours may be another. In whole seconds since 1970. */
function beginningOf({ head, startedAt }: JournaledRun): number {
  return head.storageTime ?? Math.floor(Date.parse(startedAt) / 1000);
}

function digestOf({ kind, digest }: Removal): Digest | undefined {
  return kind === "blob" && digest !== undefined ? Digest.parse(digest) : undefined;
}
