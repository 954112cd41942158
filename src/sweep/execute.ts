import type { ChangeOutcome, StorageChanges } from "../storage/changes.js";
import type { Verdict } from "../guard/guard.js";
import type { Journal, JournalEntry, JournalHead } from "../journal/journal.js";
import type { JournalCopy } from "../journal/journal-copy.js";
import { orderOf } from "../journal/item-kinds.js";
import { TAG_CURRENT } from "../registry/layout.js";
import { parentOf } from "../storage/parents.js";
import { BATCH, emptied, itemsOf, mayHoldNothing } from "./pieces.js";
import type { Piece } from "./pieces.js";
import type { PlanItem, Stage } from "./plan.js";
import { quarantineOf } from "../journal/quarantine.js";
import { batches, BatchSize, LookAhead } from "./batches.js";
import { batchesOf } from "./stage-batches.js";
import type { Batch } from "./stage-batches.js";
import { StandingDirectories, stayingOf } from "./standing.js";
import { withTimes } from "./with-times.js";
import { countRemoved, nothingRemoved } from "./removed.js";
import type { Removed } from "./removed.js";
import { Watch, whyStopped } from "../guard/watch.js";

/** Objects of a batch at first, and where each takes long. */
const LEAST = 250;
/** Moving may take the storage a second or more for each object: so many at a time at first, then the reasons to stop are looked at. */
const MOVES = 50;

/** How a sweep went. */
export interface SweepResult {
  readonly runId: string;
  readonly quarantined: boolean;
  /** The storage keeps what was deleted as older versions: the space is not free until these expire. */
  readonly keepsVersions: boolean;
  readonly deleted: Readonly<Removed>;
  /** Directories that were to go and stay, for others have put something into them: the first of them, and how many there are. */
  readonly standing: Pick<StandingDirectories, "count" | "first">;
  /** The journal's file. */
  readonly journal: string;
  /** Why it ended before its end; what is left can be swept by another run. */
  readonly stopped: string | undefined;
}

/** What a sweep works with. */
export interface SweepContext {
  readonly changes: StorageChanges;
  readonly journal: Journal;
  readonly head: JournalHead;
  /** Of the journal, in the quarantine. */
  readonly copy: JournalCopy | undefined;
  /** Asked again during a long sweep. */
  readonly judgeWriters: () => Promise<Verdict>;
  /** When it ends at the next batch, by `performance.now()`. */
  readonly deadline: number | undefined;
  readonly signal: AbortSignal;
  /** Called after each batch. */
  readonly onProgress?: ((removed: Readonly<Removed>) => void) | undefined;
}

/**
 * Removes what the plan says, stage by stage. Does not throw for what the storage or the journal's disk refuses: that ends the sweep at
 * once, whatever it was, so that nothing goes whose referrers are still there; the result says so.
 */
export async function execute(stages: readonly Stage[], context: SweepContext): Promise<SweepResult> {
  const sweep = new Sweep(context);
  const { head, journal, changes } = context;
  const why = (await whyStopped(() => sweep.run(stages))) ?? (await whyStopped(() => changes.settle()));
  await whyStopped(async () => sweep.takeBack());
  const deleted = sweep.removed;
  const stopped = journal.end({ deleted }, why);
  const { keepsVersions } = sweep;
  const { count, first } = sweep.standing;
  const quarantined = head.mode !== "delete";
  return { runId: head.runId, quarantined, keepsVersions, deleted, standing: { count, first }, journal: journal.file, stopped };
}

class Sweep {
  readonly removed = nothingRemoved();
  readonly standing = new StandingDirectories();
  keepsVersions: boolean;
  readonly #watch: Watch;
  readonly #size = new BatchSize(LEAST);
  readonly #moves = new BatchSize(MOVES);
  /** What the journal says is about to go, and the storage was not asked for yet. */
  #told: readonly JournalEntry[] = [];
  #failed = 0;
  #firstFailure = "";

  constructor(private readonly context: SweepContext) {
    this.#watch = new Watch(context);
    this.keepsVersions = context.head.mode === "versions";
  }

  /** Undefined when all was done, or why not. */
  async run(stages: readonly Stage[]): Promise<string | undefined> {
    const { changes, head } = this.context;
    const how = { isRemote: changes.isRemote, isMove: head.mode === "quarantine", size: this.#size };
    for (const stage of stages) {
      if (stage.barrier) await changes.settle();
      const ahead = new LookAhead(batchesOf(stage, how));
      for (let batch = ahead.take(); batch !== undefined; batch = ahead.take()) {
        const reason = (await this.#reasonToStop()) ?? (await this.#removeBatch(batch, ahead));
        if (reason !== undefined) return reason;
      }
    }
    return undefined;
  }

  /** Says in the journal of what is in it and was not touched. */
  takeBack(): void {
    this.context.journal.became(this.#told.map(({ path }) => ({ path, status: "untouched" })));
    this.#told = [];
  }

  async #reasonToStop(): Promise<string | undefined> {
    if (this.#failed > 0) {
      const isNothing = Object.values(this.removed).every((count) => count === 0);
      return `${isNothing ? "nothing was removed: " : ""}${this.#failed} objects could not be removed (${this.#firstFailure})`;
    }
    return this.#watch.reasonToStop();
  }

  async #removeBatch({ pieces, items }: Batch, ahead: LookAhead<Batch>): Promise<string | undefined> {
    const began = performance.now();
    const late = items === undefined ? await this.#removePieces(pieces) : await this.#removeItems(items, ahead);
    this.#size.took(pieces.length, performance.now() - began);
    this.context.onProgress?.(this.removed);
    return late ?? (this.#failed === 0 ? undefined : this.#reasonToStop());
  }

  /** Tells the journal, which is on the disk before the storage is asked (safety rule 7). */
  async #tell(entries: readonly JournalEntry[]): Promise<void> {
    if (entries.length === 0) return;
    this.context.journal.willRemove(entries);
    await this.context.copy?.willRemove(entries);
  }

  async #removePieces(pieces: readonly Piece[]): Promise<string | undefined> {
    const items = pieces.filter(({ isLast }) => isLast).map(({ item }) => item);
    const multiparts = items.filter(({ kind }) => kind === "multipart");
    const entries = pieces.flatMap(({ entry }) => entry ?? []);
    const isMove = this.context.head.mode === "quarantine";
    // Directories of what goes come back with it; those that hold nothing would not.
    const directories = isMove ? await this.#emptyDirectories(items) : [];
    await this.#tell([...directories, ...(await withTimes(entries, this.context))]);
    const objects = entries.filter(({ kind }) => kind !== "multipart");
    const { late, asked } = await this.#removeAll(objects, isMove);
    this.#told = objects.slice(asked);
    if (late === undefined) await this.#abort(multiparts);
    const gone = late === undefined ? items : itemsOf(pieces, new Set(objects.slice(0, asked)));
    if (this.#failed === 0) this.removed.uploads += gone.filter(({ kind }) => kind === "upload").length;
    await this.#prune(gone);
    return late;
  }

  /** The storage is at work while the next batch is planned, and is told to the journal. */
  async #removeItems(items: readonly PlanItem[], ahead: LookAhead<Batch>): Promise<undefined> {
    if (this.#told === items) this.#told = [];
    else await this.#tell(items);
    const removal = this.context.changes.removeWithDirectories(items.map(({ path }) => path));
    let failure: { readonly error: unknown } | undefined;
    try {
      const next = ahead.prepare();
      if (next?.items !== undefined) {
        await this.#tell(next.items);
        this.#told = next.items;
      }
    } catch (error) {
      // The storage is being changed: that is waited for, and noted, before anything ends.
      failure = { error };
    }
    const { outcomes, left } = await removal;
    this.#take(items, outcomes);
    if (failure !== undefined) throw failure.error;
    const standing = left.length === 0 ? [] : await this.context.changes.pruneDirectories(left, "any order");
    if (this.#failed === 0) this.standing.add(standing);
  }

  /** Returns why it has ended before the last of them, if it has, and how many the storage was asked for. */
  async #removeAll(entries: readonly JournalEntry[], isMove: boolean): Promise<{ late: string | undefined; asked: number }> {
    let asked = 0;
    for (const some of batches(entries, () => (isMove ? this.#moves.next(BATCH) : BATCH))) {
      const late = isMove ? await this.#reasonToStop() : undefined;
      if (late !== undefined) return { late, asked };
      const began = performance.now();
      await this.#remove(some);
      if (isMove) this.#moves.took(some.length, performance.now() - began);
      asked += some.length;
    }
    return { late: undefined, asked };
  }

  async #emptyDirectories(items: readonly PlanItem[]): Promise<readonly JournalEntry[]> {
    const empty = new Set(await this.context.changes.emptyDirectories(mayHoldNothing(items)));
    return Array.from(empty, (directory) => ({ kind: "directory", path: directory, bytes: 0 }));
  }

  /** Removes the directories of what has gone, and takes note of those that stay. */
  async #prune(items: readonly PlanItem[]): Promise<void> {
    const directories = items.flatMap(emptied);
    const { changes } = this.context;
    const pruned = directories.length === 0 ? [] : await changes.pruneDirectories(directories, orderOf(items));
    // Of what could not be removed, the directories stay with it.
    if (this.#failed > 0) return;
    for (const { item, staying } of stayingOf(items, pruned)) {
      this.standing.add(staying);
      if (item.kind !== "directory" || staying.length > 0) continue;
      if (item.tag === undefined) this.removed.repositories++;
      else this.removed.tags++;
    }
  }

  /**
   * An entry of a tag's history goes with its directory before the tag's link does: killed in between, a tag with neither link would look like one
   * that damage has emptied.
   */
  async #remove(entries: readonly JournalEntry[]): Promise<void> {
    const { changes } = this.context;
    const isHistory = ({ kind, path }: JournalEntry): boolean => kind === "tag" && !path.endsWith(`/${TAG_CURRENT}`);
    const history = changes.isRemote ? [] : entries.filter(isHistory);
    if (history.length === 0) return this.#change(entries);
    await this.#change(history);
    await changes.pruneDirectories(
      history.map(({ path }) => parentOf(path)),
      orderOf(history),
    );
    await this.#change(entries.filter((entry) => !isHistory(entry)));
  }

  async #change(entries: readonly JournalEntry[]): Promise<void> {
    const { changes, head } = this.context;
    const paths = entries.map((entry) => entry.path);
    const order = orderOf(entries);
    const outcomes =
      head.mode === "quarantine"
        ? await changes.move(
            paths.map((from) => ({ from, to: `${quarantineOf(head.runId)}/${from}` })),
            order,
          )
        : await changes.remove(paths, order);
    this.#take(entries, outcomes);
  }

  #take(entries: readonly JournalEntry[], outcomes: readonly ChangeOutcome[]): void {
    for (const [i, entry] of entries.entries()) this.#count(entry, outcomes[i]);
    this.keepsVersions ||= outcomes.some(({ deleteMarker }) => deleteMarker !== undefined);
    this.context.journal.became(outcomes.filter(({ status, deleteMarker }) => status !== "done" || deleteMarker !== undefined));
  }

  async #abort(multiparts: readonly PlanItem[]): Promise<void> {
    if (multiparts.length === 0) return;
    const uploads = multiparts.map((item) => ({ path: item.path, uploadId: item.uploadId ?? "" }));
    const outcomes = await this.context.changes.abortMultipartUploads(uploads);
    for (const [i, item] of multiparts.entries()) this.#count(item, outcomes[i]);
    this.context.journal.became(outcomes.filter(({ status }) => status !== "done"));
  }

  #count(entry: JournalEntry, outcome: ChangeOutcome | undefined): void {
    if (outcome === undefined || outcome.status === "failed") {
      if (this.#failed++ === 0) this.#firstFailure = `${entry.path}: ${outcome?.cause ?? "no answer"}`;
      return;
    }
    if (outcome.status === "absent") return;
    countRemoved(this.removed, entry);
  }
}
