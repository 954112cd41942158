import { setTimeout } from "node:timers/promises";
import { slices } from "../../slices.js";
import { EXIT_CODES, OperatorError } from "../../errors.js";
import type { DigestAlgorithm } from "../../registry/digest.js";
import type {
  ChangeOutcome,
  Hiding,
  Move,
  OutcomeOfOne,
  RemovedWithDirectories,
  Standing,
  StorageChanges,
  StoredObject,
} from "../changes.js";
import type { StorageRequests } from "../requests.js";
import {
  causeOf,
  isDenied,
  isNoSuchObject,
  isNotImplemented,
  isPreconditionFailed,
  lacking,
  nameOf,
  openError,
} from "./errors.js";
import { deleteAction } from "./actions.js";
import { listObjects } from "./list-objects.js";
import { locationOf, rootPrefixOf } from "./options.js";
import type { S3Options } from "./options.js";
import { BucketWriter } from "./bucket-writer.js";
import type { Deletion, Doomed } from "./bucket-writer.js";
import { headsOf } from "./heads.js";
import type { ObjectHead } from "./object-head.js";

/** S3 takes so many keys in one request. */
const KEYS_PER_DELETE = 1000;
/** Errors of single keys inside a success that may pass, and how often these keys are tried. */
const PASSING = new Set(["InternalError", "SlowDown", "ServiceUnavailable", "OperationAborted", "503"]);
const KEY_ATTEMPTS = 4;
/** Milliseconds after which a write that was under way when ours began has come to its end: for servers without conditional writes. */
const SETTLING = 2000;

/** Changes to a registry's storage in a bucket. */
export class S3Changes implements StorageChanges {
  readonly isRemote = true;
  readonly #bucket: BucketWriter;
  readonly #root: string;

  constructor(
    private readonly options: S3Options,
    private readonly settling = SETTLING,
  ) {
    this.#bucket = new BucketWriter(options);
    this.#root = rootPrefixOf(options);
  }

  get requests(): Readonly<StorageRequests> {
    return this.#bucket.requests;
  }

  async keepsVersions(): Promise<boolean> {
    try {
      return await this.#bucket.keepsVersions();
    } catch (error) {
      throw openError(error, locationOf(this.options), this.options.endpoint);
    }
  }

  remove(paths: readonly string[]): Promise<readonly ChangeOutcome[]> {
    return this.#delete(paths.map((path) => ({ path })));
  }

  async removeForGood(path: string): Promise<ChangeOutcome> {
    const [outcome = { path, status: "failed" }] = await this.remove([path]);
    if (outcome.deleteMarker === undefined) return outcome;
    try {
      const versions = await this.#bucket.versionsOf(this.#key(path));
      await this.#delete(versions.map((versionId) => ({ path, versionId })));
    } catch {
      // It is out of sight, which is what counts; some servers refuse a conditional write over a delete marker, and say so then.
    }
    return outcome;
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

  /**
   * S3 has no rename: an object is copied, the copy is compared, then the original goes. Stopped in between, both are there; moving
   * again takes what is at `to` for the copy if it is the same content. Beyond a request for each copy and one for a thousand deletes, it is
   * asked what is at both places before, so that nothing is overwritten, and what is there afterwards: by listings, where these say it.
   */
  async move(moves: readonly Move[]): Promise<readonly ChangeOutcome[]> {
    const before = await this.#heads(moves.flatMap(({ from, to }) => [from, to]));
    const copies = await this.#each(
      moves,
      ({ from }) => from,
      (move) => this.#copy(move, before),
    );
    const after = await this.#heads(
      moves.flatMap(({ to }, i) => (copies[i]?.status === "done" && copies[i].found === undefined ? [to] : [])),
    );
    const outcomes = await this.#each(
      [...copies.entries()],
      ([, { path }]) => path,
      async ([i, copy]) => {
        const to = moves[i]?.to ?? "";
        if (copy.status === "done" && copy.found === undefined) await this.#compare(copy.path, to, before, after);
        return copy.status === "done" ? { ...copy, bytes: before(copy.path)?.bytes } : copy;
      },
    );
    const copied = outcomes.filter(({ status }) => status === "done").map(({ path }) => path);
    const removed = new Map((await this.remove(copied)).map((outcome) => [outcome.path, outcome]));
    return outcomes.map((outcome) => ({ ...outcome, ...removed.get(outcome.path) }));
  }

  async create(path: string, content: Uint8Array): Promise<"created" | "exists"> {
    const key = this.#key(path);
    try {
      if ((await this.#bucket.head(key)) !== undefined) return "exists";
      for (let attempt = 0; attempt < 2; attempt++) {
        const answer = await this.#putIfAbsent(key, content);
        if (answer === "unchecked") return await this.#settled(key, content);
        const stored = await this.#bucket.get(key, content.length + 1);
        if (stored !== undefined || answer === "stored") return stored?.equals(content) === true ? "created" : "exists";
      }
      // Refused twice for what is not there: versitygw takes the delete marker of what was there for an object.
      await this.#bucket.put(key, content);
      return await this.#settled(key, content);
    } catch (error) {
      throw this.#error(path, "cannot be written", error);
    }
  }

  async store(path: string, content: Uint8Array): Promise<void> {
    try {
      await this.#bucket.put(this.#key(path), content);
    } catch (error) {
      throw this.#error(path, "cannot be written", error);
    }
  }

  async replace(path: string, expected: Uint8Array, content: Uint8Array): Promise<"replaced" | "changed" | "absent"> {
    const key = this.#key(path);
    try {
      const head = await this.#bucket.head(key);
      const stored = head && (await this.#bucket.get(key, expected.length + 1));
      if (head === undefined || stored === undefined) return "absent";
      if (!stored.equals(expected)) return "changed";
      await this.#putInPlaceOf(key, content, head);
      // Whoever was refused may still have been the one who wrote: the reply to the first attempt was lost.
      return (await this.#isOurs(key, content)) === "created" ? "replaced" : "changed";
    } catch (error) {
      throw this.#error(path, "cannot be written", error);
    }
  }

  async stat(path: string): Promise<StoredObject | undefined> {
    try {
      const head = await this.#bucket.head(this.#key(path));
      return head && { path, bytes: head.bytes, modified: head.modified };
    } catch (error) {
      throw this.#error(path, "cannot be looked at", error);
    }
  }

  async read(path: string): Promise<Uint8Array | undefined> {
    try {
      return await this.#bucket.get(this.#key(path), Number.POSITIVE_INFINITY);
    } catch (error) {
      throw this.#error(path, "cannot be read", error);
    }
  }

  async digest(path: string, algorithm: DigestAlgorithm): Promise<string | undefined> {
    try {
      return await this.#bucket.hash(this.#key(path), algorithm);
    } catch (error) {
      throw this.#error(path, "cannot be read", error);
    }
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

  #key(path: string): string {
    return this.#root + path;
  }

  #error(path: string, what: string, error: unknown): OperatorError {
    return new OperatorError(`${locationOf(this.options)}: ${path} ${what}: ${causeOf(error)}`, EXIT_CODES.stopped, {
      cause: error,
    });
  }

  /**
   * Stores an object if there is none; `refused` if the server says that there is one. To know whether it looks at all, it is asked to do the
   * same again, which a server that does refuses.
   */
  async #putIfAbsent(key: string, content: Uint8Array): Promise<"stored" | "refused" | "unchecked"> {
    for (const ifRefused of ["refused", "stored"] as const) {
      try {
        await this.#bucket.put(key, content, { IfNoneMatch: "*" });
      } catch (error) {
        if (isPreconditionFailed(error)) return ifRefused;
        if (!isNotImplemented(error)) throw error;
        await this.#bucket.put(key, content);
        return "unchecked";
      }
    }
    return "unchecked";
  }

  /** Where a server stores whatever it is asked to: whoever wrote last has it, once all have written. */
  async #settled(key: string, content: Uint8Array): Promise<"created" | "exists"> {
    await setTimeout(this.settling);
    return this.#isOurs(key, content);
  }

  /** Stores an object in the place of the one that was seen, as far as the server knows conditions. */
  async #putInPlaceOf(key: string, content: Uint8Array, { etag }: ObjectHead): Promise<void> {
    if (etag === "") return this.#bucket.put(key, content);
    // Ceph 16 compares the header as it is, and refuses what the standard has between quotes.
    for (const IfMatch of [`"${etag}"`, etag]) {
      try {
        return await this.#bucket.put(key, content, { IfMatch });
      } catch (error) {
        if (isNotImplemented(error)) return this.#bucket.put(key, content);
        if (!isPreconditionFailed(error) && !isNoSuchObject(error)) throw error;
      }
    }
  }

  async #isOurs(key: string, content: Uint8Array): Promise<"created" | "exists"> {
    const stored = await this.#bucket.get(key, content.length + 1);
    return stored?.equals(content) === true ? "created" : "exists";
  }

  /** What is known of objects by their keys: a function that gives it, or throws what the server said when it was asked. */
  async #heads(paths: readonly string[]): Promise<HeadOf> {
    const failures = new Map<string, unknown>();
    const head = async (key: string): Promise<ObjectHead | undefined> => {
      try {
        return await this.#bucket.head(key);
      } catch (error) {
        failures.set(key, error);
        return undefined;
      }
    };
    const keys = paths.map((path) => this.#key(path));
    const heads = await headsOf(keys, { bucket: this.#bucket, head, prefix: this.#root });
    return (path) => {
      const key = this.#key(path);
      if (failures.has(key)) throw failures.get(key);
      return heads.get(key);
    };
  }

  /** Copies an object, if it is there and nothing else is in its place; the original stays. */
  async #copy({ from, to }: Move, headOf: HeadOf): Promise<OutcomeOfOne> {
    const [source, there] = [headOf(from), headOf(to)];
    if (source === undefined) return { status: "absent" };
    if (there !== undefined)
      return isSame(source, there)
        ? { status: "done", found: "same" }
        : { status: "failed", found: "other", cause: `there is something else at ${to} already` };
    try {
      await this.#bucket.copy(this.#key(from), this.#key(to), source);
    } catch (error) {
      // It has gone since it was listed, if a head says so too: what is taken for gone lets what it refers to go.
      if (isNoSuchObject(error) && (await this.#bucket.head(this.#key(from))) === undefined) return { status: "absent" };
      throw error;
    }
    return { status: "done" };
  }

  /** Throws where the copy is not as long as the original: that has to stay then. A listing may be behind; a head is not. */
  async #compare(from: string, to: string, before: HeadOf, after: HeadOf): Promise<void> {
    const bytes = before(from)?.bytes;
    const copy = after(to) ?? (await this.#bucket.head(this.#key(to)));
    if (copy?.bytes !== bytes) throw new Error(`the copy at ${to} has ${copy?.bytes ?? "no"} bytes instead of ${bytes ?? 0}`);
  }

  /** Deletes in batches; what fails for itself and may pass is tried again. */
  async #delete(doomed: readonly { readonly path: string; readonly versionId?: string }[]): Promise<readonly ChangeOutcome[]> {
    const outcomes = await this.#bucket.limit.map(slices(doomed, KEYS_PER_DELETE), async (batch) => {
      const deletions = await this.#deleteBatch(batch.map(({ path, versionId }) => ({ key: this.#key(path), versionId })));
      return batch.map(({ path, versionId }, i) => outcomeOf(path, deleteAction(versionId), deletions[i]));
    });
    return outcomes.flat();
  }

  async #deleteBatch(keys: readonly Doomed[]): Promise<readonly Deletion[]> {
    try {
      const deletions = [...(await this.#bucket.delete(keys))];
      for (let attempt = 1; attempt < KEY_ATTEMPTS; attempt++) {
        const again = deletions.flatMap((deletion, i) => ("failure" in deletion && PASSING.has(deletion.code) ? [i] : []));
        if (again.length === 0) break;
        await setTimeout((this.options.retries?.delay ?? 200) * 2 ** attempt);
        const repeated = await this.#bucket.delete(again.flatMap((i) => keys[i] ?? []));
        for (const [n, i] of again.entries()) deletions[i] = repeated[n] ?? deletions[i] ?? UNKNOWN;
      }
      return deletions;
    } catch (error) {
      const name = nameOf(error);
      return keys.map(({ versionId }) => ({
        code: "",
        failure: isDenied(name) ? lacking(name, deleteAction(versionId)) : causeOf(error),
      }));
    }
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

/** Gives the head of an object, by its path; undefined where there is none. Throws why it is not known. */
type HeadOf = (path: string) => ObjectHead | undefined;

const UNKNOWN: Deletion = { code: "", failure: "unknown" };

function outcomeOf(path: string, action: string, deletion: Deletion = UNKNOWN): ChangeOutcome {
  if (!("failure" in deletion)) return { path, status: "done", deleteMarker: deletion.deleteMarker };
  if (deletion.code === "NoSuchKey" || deletion.code === "NoSuchVersion") return { path, status: "absent" };
  return { path, status: "failed", cause: isDenied(deletion.code) ? lacking(deletion.code, action) : deletion.failure };
}

/** Whether both are the same content, as far as heads can tell: ETags that are no MD5 differ for the same content, never the other way. */
function isSame(one: ObjectHead, other: ObjectHead): boolean {
  return one.bytes === other.bytes && one.etag !== "" && one.etag === other.etag;
}
