import { TAG_CURRENT } from "../registry/layout.js";
import type { ChangeOutcome, Standing, StorageChanges } from "../storage/changes.js";
import type { Verdict } from "../guard/guard.js";
import type { Journal, JournalEntry, JournalHead } from "../journal/journal.js";
import type { JournalCopy } from "../journal/journal-copy.js";
import { orderOf } from "../journal/item-kinds.js";
import type { ItemKind } from "../journal/item-kinds.js";
import { BATCH, batchOf, emptied, piecesOf } from "./pieces.js";
import type { Piece } from "./pieces.js";
import type { PlanItem, Stage } from "./plan.js";
import { quarantineOf } from "../journal/quarantine.js";
import { batches, LookAhead } from "./batches.js";
import { Watch, whyStopped } from "../guard/watch.js";

/** Moving may take the storage a second or more for each object: so many at a time, then the reasons to stop are looked at. */
const MOVES = 50;

/** Directories that a result names of those that stay. */
const MOST_NAMED = 1000;
/** What has several directories, or nothing else. */
const HOLDING_DIRECTORIES: ReadonlySet<ItemKind> = new Set(["tag", "upload", "directory"]);

/** What a sweep has removed, counted by what was really done. */
export interface Removed {
  blobs: number;
  bytes: number;
  revisions: number;
  layerLinks: number;
  tags: number;
  uploads: number;
  /** Empty ones. */
  repositories: number;
}

/** How a sweep went. */
export interface SweepResult {
  readonly runId: string;
  readonly quarantined: boolean;
  /** The storage keeps what was deleted as older versions: the space is not free until these expire. */
  readonly keepsVersions: boolean;
  readonly deleted: Readonly<Removed>;
  /** Directories that were to go and stay, for others have put something into them: the first of them, and how many there are. */
  readonly standing: { readonly count: number; readonly first: readonly Standing[] };
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
  const deleted = sweep.removed;
  const stopped = journal.end({ deleted }, why);
  const { keepsVersions, standing } = sweep;
  const quarantined = head.mode !== "delete";
  return { runId: head.runId, quarantined, keepsVersions, deleted, standing, journal: journal.file, stopped };
}

/** Nothing came between. */
const ALL = { late: undefined, asked: Number.POSITIVE_INFINITY };

/** Those of the items that end with one of the objects: of each, the objects before are in the same order. */
function itemsOf(pieces: readonly Piece[], objects: ReadonlySet<JournalEntry>): PlanItem[] {
  return pieces.flatMap(({ item, entry, isLast }) => (isLast && entry !== undefined && objects.has(entry) ? [item] : []));
}

class Sweep {
  readonly removed: Removed = { blobs: 0, bytes: 0, revisions: 0, layerLinks: 0, tags: 0, uploads: 0, repositories: 0 };
  readonly standing: { count: number; first: Standing[] } = { count: 0, first: [] };
  keepsVersions = false;
  readonly #watch: Watch;
  #failed = 0;
  #firstFailure = "";

  constructor(private readonly context: SweepContext) {
    this.#watch = new Watch(context);
  }

  /** Undefined when all was done, or why not. */
  async run(stages: readonly Stage[]): Promise<string | undefined> {
    for (const stage of stages) {
      if (stage.barrier) await this.context.changes.settle();
      const ahead = new LookAhead(batches(piecesOf(stage.items()), batchOf));
      for (let batch = ahead.take(); batch !== undefined; batch = ahead.take()) {
        const reason = await this.#removeBatch(batch, () => ahead.prepare());
        if (reason !== undefined) return reason;
      }
    }
    return undefined;
  }

  async #reasonToStop(): Promise<string | undefined> {
    if (this.#failed > 0) {
      const isNothing = Object.values(this.removed).every((count) => count === 0);
      return `${isNothing ? "nothing was removed: " : ""}${this.#failed} objects could not be removed (${this.#firstFailure})`;
    }
    return this.#watch.reasonToStop();
  }

  /** `meanwhile` is called while the storage is at work. */
  async #removeBatch(pieces: readonly Piece[], meanwhile: () => void): Promise<string | undefined> {
    const reason = await this.#reasonToStop();
    if (reason !== undefined) return reason;
    const items = pieces.filter(({ isLast }) => isLast).map(({ item }) => item);
    const multiparts = items.filter(({ kind }) => kind === "multipart");
    const entries = pieces.flatMap(({ entry }) => entry ?? []);
    const isMove = this.context.head.mode === "quarantine";
    // Directories of what goes come back with it; those that hold nothing would not.
    const directories = isMove ? await this.#emptyDirectories(items) : [];
    if (entries.length + directories.length > 0) {
      const told = directories.length === 0 ? entries : [...directories, ...entries];
      this.context.journal.willRemove(told);
      await this.context.copy?.willRemove(told);
    }
    const objects = entries.filter(({ kind }) => kind !== "multipart");
    const isTogether = !isMove && orderOf(pieces.map(({ item }) => item)) === "any order";
    const left = isTogether ? await this.#removeWithDirectories(objects, meanwhile) : undefined;
    const { late, asked } = isTogether ? ALL : await this.#removeAll(objects, isMove);
    if (late === undefined) await this.#abort(multiparts);
    const gone = late === undefined ? items : itemsOf(pieces, new Set(objects.slice(0, asked)));
    if (this.#failed === 0) this.removed.uploads += gone.filter(({ kind }) => kind === "upload").length;
    await this.#prune(gone, left ?? gone.flatMap(emptied));
    this.context.onProgress?.(this.removed);
    return late ?? (this.#failed === 0 ? undefined : this.#reasonToStop());
  }

  /** Returns why it has ended before the last of them, if it has, and how many the storage was asked for. */
  async #removeAll(entries: readonly JournalEntry[], isMove: boolean): Promise<{ late: string | undefined; asked: number }> {
    let asked = 0;
    for (const some of batches(entries, () => (isMove ? MOVES : BATCH))) {
      const late = isMove ? await this.#reasonToStop() : undefined;
      if (late !== undefined) return { late, asked };
      await this.#remove(some);
      asked += some.length;
    }
    return { late: undefined, asked };
  }

  async #emptyDirectories(items: readonly PlanItem[]): Promise<readonly JournalEntry[]> {
    const directories = items.filter(({ kind }) => HOLDING_DIRECTORIES.has(kind)).flatMap(emptied);
    const empty = new Set(await this.context.changes.emptyDirectories(directories));
    return Array.from(empty, (directory) => ({ kind: "directory", path: directory, bytes: 0 }));
  }

  /** Removes the directories of what has gone, `left` of which are there yet, and takes note of those that stay. */
  async #prune(items: readonly PlanItem[], left: readonly string[]): Promise<void> {
    const standing = new Map<string, Standing>();
    for (const item of items) {
      const stray = item.objects?.find(({ isStray }) => isStray);
      const cause = `it holds ${item.path}/${stray?.name ?? ""}`;
      if (stray !== undefined) standing.set(item.path, { directory: item.path, cause });
    }
    if (left.length > 0)
      for (const one of await this.context.changes.pruneDirectories(left, orderOf(items))) standing.set(one.directory, one);
    // Of what could not be removed, the directories stay with it.
    if (this.#failed > 0) return;
    for (const item of items) {
      const isTag = item.tag !== undefined;
      // Other repositories may lie below an empty one: its own directories are what the registry knows it by.
      const own = emptied(item).filter((directory) => item.kind !== "directory" || isTag || directory !== item.path);
      const staying = own.flatMap((directory) => standing.get(directory) ?? []);
      this.standing.count += staying.length;
      this.standing.first.push(...staying.slice(0, MOST_NAMED - this.standing.first.length));
      if (item.kind !== "directory" || staying.length > 0) continue;
      if (isTag) this.removed.tags++;
      else this.removed.repositories++;
    }
  }

  async #remove(entries: readonly JournalEntry[]): Promise<void> {
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

  /** Returns the directories that are left. */
  async #removeWithDirectories(entries: readonly JournalEntry[], meanwhile: () => void): Promise<string[]> {
    const removal = this.context.changes.removeWithDirectories(entries.map((entry) => entry.path));
    let failure: { readonly error: unknown } | undefined;
    try {
      meanwhile();
    } catch (error) {
      // The storage is being changed: that is waited for, and noted, before anything ends.
      failure = { error };
    }
    const { outcomes, left } = await removal;
    this.#take(entries, outcomes);
    if (failure !== undefined) throw failure.error;
    return [...left];
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
    const { removed } = this;
    removed.bytes += entry.bytes;
    if (entry.kind === "blob") removed.blobs++;
    if (entry.kind === "revision") removed.revisions++;
    if (entry.kind === "layer-link") removed.layerLinks++;
    if (entry.kind === "multipart") removed.uploads++;
    if (entry.kind === "tag" && entry.path.endsWith(`/${TAG_CURRENT}`)) removed.tags++;
  }
}
