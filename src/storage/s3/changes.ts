import { setTimeout } from "node:timers/promises";
import { EXIT_CODES, OperatorError } from "../../errors.js";
import type { DigestAlgorithm } from "../../registry/digest.js";
import type {
  ChangeOutcome,
  Hiding,
  Move,
  OutcomeOfOne,
  RemovedIfSame,
  RemovedWithDirectories,
  Standing,
  StorageChanges,
  StoredObject,
} from "../changes.js";
import type { StorageRequests } from "../requests.js";
import { causeOf, openError } from "./errors.js";
import { listObjects } from "./list-objects.js";
import { DEFAULT_RETRIES, locationOf, rootPrefixOf } from "./options.js";
import type { S3Options } from "./options.js";
import { BucketWriter } from "./bucket-writer.js";
import { ConditionalWrites } from "./conditional-writes.js";
import { Copies } from "./copies.js";
import { deleteObjects } from "./delete-objects.js";
import type { DoomedPath } from "./delete-objects.js";
import { removeIfSame } from "./remove-if-same.js";

/** Milliseconds after which a write that was under way when ours began has come to its end: for servers without conditional writes. */
const SETTLING = 2000;

/** Waits. Throws when the signal aborts. */
type Pause = (milliseconds: number, signal: AbortSignal) => Promise<void>;

/** Changes to a registry's storage in a bucket. */
export class S3Changes implements StorageChanges {
  readonly isRemote = true;
  readonly #bucket: BucketWriter;
  readonly #root: string;
  readonly #conditional: ConditionalWrites;
  readonly #copies: Copies;

  constructor(
    private readonly options: S3Options,
    settling = SETTLING,
    private readonly pause: Pause = (milliseconds, signal) => setTimeout(milliseconds, undefined, { signal }),
  ) {
    this.#bucket = new BucketWriter(options);
    this.#root = rootPrefixOf(options);
    this.#conditional = new ConditionalWrites(this.#bucket, settling);
    this.#copies = new Copies(this.#bucket, this.#root);
  }

  get requests(): Readonly<StorageRequests> {
    return this.#bucket.requests;
  }

  async keepsVersions(): Promise<boolean> {
    return (await this.#versioning()) === "Enabled";
  }

  async mayHaveVersions(): Promise<boolean> {
    return (await this.#versioning()) !== undefined;
  }

  async #versioning(): ReturnType<BucketWriter["versioning"]> {
    try {
      return await this.#bucket.versioning();
    } catch (error) {
      throw openError(error, locationOf(this.options), this.options.endpoint);
    }
  }

  remove(paths: readonly string[]): Promise<readonly ChangeOutcome[]> {
    return this.#delete(paths.map((path) => ({ path })));
  }

  async removeForGood(path: string, expected: Uint8Array): Promise<RemovedIfSame> {
    try {
      return await removeIfSame(this.#bucket, this.#key(path), expected);
    } catch (error) {
      return { status: "failed", cause: causeOf(error) };
    }
  }

  unhide(markers: readonly { readonly path: string; readonly deleteMarker: string }[]): Promise<readonly ChangeOutcome[]> {
    return this.#delete(markers.map(({ path, deleteMarker }) => ({ path, versionId: deleteMarker })));
  }

  async hiding(paths: readonly string[]): Promise<readonly Hiding[]> {
    const found: Hiding[] = [];
    const outcomes = await this.#each(
      [...paths.entries()],
      ([, path]) => path,
      async ([i, path]) => {
        found[i] = await this.#bucket.hiding(this.#key(path));
        return { status: "done" };
      },
    );
    const failed = outcomes.find(({ status }) => status === "failed");
    if (failed !== undefined) throw this.#error(failed.path, "has versions that cannot be listed", new Error(failed.cause));
    return found;
  }

  async cannotMoveTo(): Promise<undefined> {
    // A bucket takes any key.
  }

  async cannotWriteTo(): Promise<undefined> {
    // What a policy allows is only told to who writes.
  }

  /**
   * S3 has no rename: an object is copied, the copy is compared, then the original goes. Stopped in between, both are there; moving
   * again takes what is at `to` for the copy if it is the same content. Beyond a request for each copy and one for a thousand deletes, it is
   * asked what is at both places before, so that nothing is overwritten, and what is there afterwards: by listings, where these say it. A
   * link that comes back, such as a tag's, may be written by somebody in between: it is put where it goes only if there is none.
   */
  async move(moves: readonly Move[]): Promise<readonly ChangeOutcome[]> {
    const before = await this.#copies.heads(moves.flatMap(({ from, to }) => [from, to]));
    const copies = await this.#each(
      moves,
      ({ from }) => from,
      (move) => this.#copies.copy(move, before),
    );
    const after = await this.#copies.heads(
      moves.flatMap(({ to }, i) => (copies[i]?.status === "done" && copies[i].found === undefined ? [to] : [])),
    );
    const outcomes = await this.#each(
      [...copies.entries()],
      ([, { path }]) => path,
      async ([i, copy]) => {
        const to = moves[i]?.to ?? "";
        if (copy.status === "done" && copy.found === undefined) await this.#copies.compare(copy.path, to, before, after);
        return copy.status === "done" ? { ...copy, bytes: before(copy.path)?.bytes } : copy;
      },
    );
    const copied = outcomes.filter(({ status }) => status === "done").map(({ path }) => path);
    const removed = new Map((await this.remove(copied)).map((outcome) => [outcome.path, outcome]));
    return outcomes.map((outcome) => ({ ...outcome, ...removed.get(outcome.path) }));
  }

  create(path: string, content: Uint8Array): Promise<"created" | "exists"> {
    return this.#told(path, "cannot be written", () => this.#conditional.create(this.#key(path), content));
  }

  store(path: string, content: Uint8Array): Promise<void> {
    return this.#told(path, "cannot be written", async () => void (await this.#bucket.put(this.#key(path), content)));
  }

  replace(path: string, expected: Uint8Array, content: Uint8Array): Promise<"replaced" | "changed" | "absent"> {
    return this.#told(path, "cannot be written", () => this.#conditional.replace(this.#key(path), expected, content));
  }

  stat(path: string): Promise<StoredObject | undefined> {
    return this.#told(path, "cannot be looked at", async () => {
      const head = await this.#bucket.head(this.#key(path));
      return head && { path, bytes: head.bytes, modified: head.modified };
    });
  }

  read(path: string): Promise<Uint8Array | undefined> {
    return this.#told(path, "cannot be read", () => this.#bucket.get(this.#key(path), Number.POSITIVE_INFINITY));
  }

  digest(path: string, algorithm: DigestAlgorithm): Promise<string | undefined> {
    return this.#told(path, "cannot be read", () => this.#bucket.hash(this.#key(path), algorithm));
  }

  async *list(directory: string): AsyncGenerator<StoredObject> {
    try {
      yield* listObjects(this.#bucket, this.#root, directory);
    } catch (error) {
      throw this.#error(directory, "cannot be listed", error);
    }
  }

  async removeWithDirectories(paths: readonly string[]): Promise<RemovedWithDirectories> {
    return { outcomes: await this.remove(paths), left: [] };
  }

  async pruneDirectories(): Promise<readonly Standing[]> {
    // A bucket has no directories.
    return [];
  }

  async emptyDirectories(): Promise<readonly string[]> {
    return [];
  }

  async makeDirectory(): Promise<boolean> {
    return false;
  }

  async pass(milliseconds: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    try {
      await this.pause(milliseconds, signal);
    } finally {
      // The timer's own error says less than the signal's reason.
      signal.throwIfAborted();
    }
  }

  async settle(): Promise<void> {
    // An answered request is durable.
  }

  abortMultipartUploads(
    uploads: readonly { readonly path: string; readonly uploadId: string }[],
  ): Promise<readonly ChangeOutcome[]> {
    return this.#each(
      uploads,
      ({ path }) => path,
      async ({ path, uploadId }) => ({ status: (await this.#bucket.abort(this.#key(path), uploadId)) ? "done" : "absent" }),
    );
  }

  /** Closes the connections. */
  async close(): Promise<void> {
    this.#bucket.close();
  }

  #delete(doomed: readonly DoomedPath[]): Promise<readonly ChangeOutcome[]> {
    const delay = (this.options.retries ?? DEFAULT_RETRIES).delay;
    return deleteObjects({ bucket: this.#bucket, root: this.#root, delay }, doomed);
  }

  #key(path: string): string {
    return this.#root + path;
  }

  /** Does some work with an object; an error of it says of which, and what cannot be done. */
  async #told<T>(path: string, what: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw this.#error(path, what, error);
    }
  }

  #error(path: string, what: string, error: unknown): OperatorError {
    return new OperatorError(`${locationOf(this.options)}: ${path} ${what}: ${causeOf(error)}`, EXIT_CODES.stopped, {
      cause: error,
    });
  }

  #each<T>(
    items: readonly T[],
    pathOf: (item: T) => string,
    change: (item: T) => Promise<OutcomeOfOne>,
  ): Promise<readonly ChangeOutcome[]> {
    return this.#bucket.limit.map(items, async (item): Promise<ChangeOutcome> => {
      const path = pathOf(item);
      try {
        return { path, ...(await change(item)) };
      } catch (error) {
        return { path, status: "failed", cause: causeOf(error) };
      }
    });
  }
}
