import type { Move, Order, RemovedWithDirectories, Standing } from "../changes.js";
import type { StorageRequests } from "../requests.js";
import type { ChangedObjects, ObjectChanges } from "./object-changes.js";
import { parentOf } from "../parents.js";
import { canBeJoined, joinMoves, joinPaths, unpackOutcomes } from "./change-messages.js";
import type { PackedOutcomes } from "./change-messages.js";
import type { WorkerPool } from "./pool.js";
import type { Task, TaskResults } from "./tasks.js";

/** Objects that the main thread changes sooner than it can tell others of them. */
const FEW = 32;
/** Directories that are remembered. */
const MOST_READY = 10_000;

/** Shares out batches whose order does not matter: each thread of the pool has a part, objects that follow one another. */
export class ChangeThreads {
  /** Directories that moves need and that are known to be there. */
  readonly #ready = new Set<string>();

  constructor(
    private readonly pool: WorkerPool,
    /** Counted up. */
    private readonly requests: StorageRequests,
  ) {}

  /** Whether a batch is worth it. */
  areFor(batch: readonly (string | Move)[], order: Order): boolean {
    return order === "any order" && batch.length > FEW && this.pool.width > 1 && batch.every(canBeJoined);
  }

  /** The outcomes of each part. */
  async remove(paths: readonly string[]): Promise<readonly ChangedObjects[]> {
    const parts = this.#parts(paths);
    const packed = await this.#each<"remove">(parts.map((part) => ({ kind: "remove", paths: joinPaths(part) })));
    return parts.flatMap((part, i) => unpack(part, packed[i]));
  }

  /** The outcomes of each part, and the directories that are left. */
  async removeWithDirectories(
    paths: readonly string[],
  ): Promise<readonly (ChangedObjects & Pick<RemovedWithDirectories, "left">)[]> {
    const parts = this.#parts(paths);
    const packed = await this.#each<"remove-with-directories">(
      parts.map((part) => ({ kind: "remove-with-directories", paths: joinPaths(part) })),
    );
    return packed.map((one, i) => ({ ...unpackOutcomes(parts[i] ?? [], one), left: one.left }));
  }

  /** The outcomes of each part. `mainThread` makes what directories several of them need. */
  async move(moves: readonly Move[], mainThread: ObjectChanges): Promise<readonly ChangedObjects[]> {
    const parts = this.#parts(moves);
    this.#makeShared(parts, mainThread);
    const packed = await this.#each<"move">(parts.map((part) => ({ kind: "move", moves: joinMoves(part) })));
    return parts.flatMap((part, i) =>
      unpack(
        part.map(({ from }) => from),
        packed[i],
      ),
    );
  }

  /** Throws an `OperatorError` as `ObjectChanges` does. */
  async prune(directories: readonly string[]): Promise<readonly Standing[]> {
    return (
      await this.#each<"prune">(this.#parts(directories).map((part) => ({ kind: "prune", directories: joinPaths(part) })))
    ).flat();
  }

  #parts<T>(batch: readonly T[]): readonly (readonly T[])[] {
    const size = Math.ceil(batch.length / this.pool.width);
    return Array.from({ length: Math.ceil(batch.length / size) }, (_, i) => batch.slice(i * size, (i + 1) * size));
  }

  /** When it throws, for the first task that failed, nothing is under way any more. */
  async #each<K extends Task["kind"]>(tasks: readonly Extract<Task, { kind: K }>[]): Promise<readonly TaskResults[K][]> {
    const { requests } = this;
    const results: TaskResults[K][] = [];
    for (const settled of await Promise.allSettled(tasks.map((task) => this.pool.run<K>(task, { requests })))) {
      if (settled.status === "rejected") throw settled.reason;
      results.push(settled.value);
    }
    return results;
  }

  /**
   * A directory takes mode and owner from the one above it as soon as it is made, not at once: a thread that comes in between would make
   * its own after the wrong model. So what several parts need is there before they begin.
   */
  #makeShared(parts: readonly (readonly Move[])[], mainThread: ObjectChanges): void {
    const shared = sharedDirectories(parts);
    if (this.#ready.size > MOST_READY) this.#ready.clear();
    for (const move of parts.flat()) {
      let directory = parentOf(move.to);
      while (directory !== "" && !shared.has(directory)) directory = parentOf(directory);
      if (directory === "" || this.#ready.has(directory)) continue;
      if (mainThread.prepare(move, directory)) this.#ready.add(directory);
    }
  }
}

function unpack(paths: readonly string[], packed: PackedOutcomes | undefined): ChangedObjects[] {
  return packed === undefined ? [] : [unpackOutcomes(paths, packed)];
}

/** The directories above the targets of more than one part. */
function sharedDirectories(parts: readonly (readonly Move[])[]): ReadonlySet<string> {
  const shared = new Set<string>();
  const neededBy = new Map<string, number>();
  for (const [part, moves] of parts.entries()) {
    for (const { to } of moves) {
      // Once a directory is known to be needed, so are those above it.
      for (let at = parentOf(to); at !== "" && neededBy.get(at) !== part; at = parentOf(at)) {
        if (neededBy.has(at)) shared.add(at);
        neededBy.set(at, part);
      }
    }
  }
  return shared;
}
