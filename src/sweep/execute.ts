import path from "node:path";
import { QUARANTINE } from "../registry/layout.js";
import type { ChangeOutcome, StorageChanges } from "../storage/changes.js";
import type { Verdict } from "./guard.js";
import type { Journal, JournalEntry, JournalHead } from "./journal.js";
import type { PlanItem, Stage } from "./plan.js";

/** Objects in a batch: one journal entry each, one sync, and on S3 one request. */
const BATCH = 1000;
/** Milliseconds after which a long sweep asks again whether the registry is read-only. */
const PROBE_INTERVAL = 30_000;

/** What a sweep has removed, counted by what was really done. */
export interface Removed {
  blobs: number;
  bytes: number;
  revisions: number;
  layerLinks: number;
  tags: number;
  uploads: number;
}

/** How a sweep went. */
export interface SweepResult {
  readonly runId: string;
  readonly quarantined: boolean;
  readonly deleted: Readonly<Removed>;
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
  /** Asked again during a long sweep. */
  readonly judgeWriters: () => Promise<Verdict>;
  /** Milliseconds after which it ends at the next batch. */
  readonly maxDuration: number | undefined;
  readonly signal: AbortSignal;
  /** Called after each batch. */
  readonly onProgress?: ((removed: Readonly<Removed>) => void) | undefined;
}

/** Removes what the plan says, stage by stage. Does not throw for what the storage refuses: that ends the sweep, and the result says so. */
export async function execute(stages: readonly Stage[], context: SweepContext): Promise<SweepResult> {
  const sweep = new Sweep(context);
  const stopped = await sweep.run(stages);
  const { head, journal } = context;
  const result = {
    runId: head.runId,
    quarantined: head.mode !== "delete",
    deleted: sweep.removed,
    journal: journal.file,
    stopped,
  };
  journal.end({ deleted: result.deleted, stopped });
  return result;
}

class Sweep {
  readonly removed: Removed = { blobs: 0, bytes: 0, revisions: 0, layerLinks: 0, tags: 0, uploads: 0 };
  readonly #began = performance.now();
  #probed = performance.now();
  #failed = 0;
  #firstFailure = "";

  constructor(private readonly context: SweepContext) {}

  /** Undefined when all was done, or why not. */
  async run(stages: readonly Stage[]): Promise<string | undefined> {
    for (const stage of stages) {
      if (this.#failed > 0)
        return `${this.#failed} objects could not be removed (${this.#firstFailure}): nothing that comes after them was touched`;
      for (const batch of batches(stage.items())) {
        const reason = (await this.#reasonToStop()) ?? (await this.#removeBatch(batch));
        if (reason !== undefined) return reason;
      }
    }
    return this.#failed > 0 ? `${this.#failed} objects could not be removed (${this.#firstFailure})` : undefined;
  }

  async #reasonToStop(): Promise<string | undefined> {
    const { signal, maxDuration, judgeWriters } = this.context;
    if (signal.aborted) return "a signal stopped it";
    if (maxDuration !== undefined && performance.now() - this.#began >= maxDuration) return "--max-duration is over";
    if (performance.now() - this.#probed < PROBE_INTERVAL) return undefined;
    this.#probed = performance.now();
    const verdict = await judgeWriters();
    return verdict.passed ? undefined : `the registry is not read-only any more: ${verdict.evidence}`;
  }

  async #removeBatch(items: readonly PlanItem[]): Promise<string | undefined> {
    const multiparts = items.filter(({ kind }) => kind === "multipart");
    const entries: JournalEntry[] = [];
    for (const item of items) {
      if (item.kind === "tag" || item.kind === "upload") entries.push(...(await this.#objectsOf(item)));
      else if (item.kind !== "directory") entries.push(item);
    }
    if (entries.length > 0) {
      this.context.journal.willRemove(entries);
      await this.#remove(entries.filter(({ kind }) => kind !== "multipart"));
      await this.#abort(multiparts);
    }
    await this.context.changes.pruneDirectories(items.flatMap(emptied));
    this.context.onProgress?.(this.removed);
    return this.#failed > 0 ? `${this.#failed} objects could not be removed (${this.#firstFailure})` : undefined;
  }

  /** A tag's history goes before its `current/link`: killed in between, it is still a dangling tag that another run finds. */
  async #objectsOf(item: PlanItem): Promise<JournalEntry[]> {
    const objects: JournalEntry[] = [];
    for await (const { path: object, bytes } of this.context.changes.list(item.path))
      objects.push({ kind: item.kind, path: object, bytes: item.kind === "upload" ? bytes : 0 });
    const last = `${item.path}/current/link`;
    objects.sort((a, b) => Number(a.path === last) - Number(b.path === last));
    return objects;
  }

  async #remove(entries: readonly JournalEntry[]): Promise<void> {
    const { changes, head, journal } = this.context;
    const paths = entries.map((entry) => entry.path);
    const outcomes =
      head.mode === "quarantine"
        ? await changes.move(paths.map((from) => ({ from, to: `${QUARANTINE}/${head.runId}/${from}` })))
        : await changes.remove(paths);
    journal.became(outcomes.filter(({ status, deleteMarker }) => status !== "done" || deleteMarker !== undefined));
    for (const [i, entry] of entries.entries()) this.#count(entry, outcomes[i]);
  }

  async #abort(multiparts: readonly PlanItem[]): Promise<void> {
    if (multiparts.length === 0) return;
    const uploads = multiparts.map((item) => ({ path: item.path, uploadId: item.uploadId ?? "" }));
    const outcomes = await this.context.changes.abortMultipartUploads(uploads);
    this.context.journal.became(outcomes.filter(({ status }) => status !== "done"));
    for (const [i, item] of multiparts.entries()) this.#count(item, outcomes[i]);
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
    if (entry.kind === "multipart" || (entry.kind === "upload" && entry.path.endsWith("/startedat"))) removed.uploads++;
    if (entry.kind === "tag" && entry.path.endsWith("/current/link")) removed.tags++;
  }
}

/** The directories that were made for the object alone: a digest's, a tag's, an upload's. Those above them the registry may be using. */
function emptied({ kind, path: object, tag }: PlanItem): string[] {
  switch (kind) {
    case "multipart":
      return [];
    case "tag":
    case "upload":
      return [object];
    case "directory":
      // A repository's own directories first: other repositories may lie below it.
      return tag === undefined ? [...["_layers", "_manifests", "_uploads"].map((own) => `${object}/${own}`), object] : [object];
    case "tag-index":
    case "revision":
    case "layer-link":
    case "blob":
      return [path.posix.dirname(object)];
  }
}

function* batches(items: Iterable<PlanItem>): Generator<PlanItem[]> {
  let batch: PlanItem[] = [];
  for (const item of items) {
    batch.push(item);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
