import type { Move, OutcomeOfOne } from "../changes.js";
import type { BucketWriter } from "./bucket-writer.js";
import { isNoSuchObject } from "./errors.js";
import { headsOf } from "./heads.js";
import { LinkWriter } from "./link-writer.js";
import type { ObjectHead } from "./object-head.js";

/** Gives the head of an object, by its path; undefined where there is none. Throws why it is not known. */
export type HeadOf = (path: string) => ObjectHead | undefined;

/** The steps of a move before the original goes. */
export class Copies {
  readonly #links: LinkWriter;

  constructor(
    private readonly bucket: BucketWriter,
    /** What comes before the paths in a key. */
    private readonly root: string,
  ) {
    this.#links = new LinkWriter(bucket);
  }

  /** What is known of objects by their keys: a function that gives it, or throws what the server said when it was asked. */
  async heads(paths: readonly string[]): Promise<HeadOf> {
    const failures = new Map<string, unknown>();
    const head = async (key: string): Promise<ObjectHead | undefined> => {
      try {
        return await this.bucket.head(key);
      } catch (error) {
        failures.set(key, error);
        return undefined;
      }
    };
    const keys = paths.map((path) => this.root + path);
    const heads = await headsOf(keys, { bucket: this.bucket, head, prefix: this.root });
    return (path) => {
      const key = this.root + path;
      if (failures.has(key)) throw failures.get(key);
      return heads.get(key);
    };
  }

  /** Copies an object, if it is there and nothing else is in its place; the original stays. */
  async copy({ from, to }: Move, headOf: HeadOf): Promise<OutcomeOfOne> {
    const [source, there] = [headOf(from), headOf(to)];
    if (source === undefined) return { status: "absent" };
    if (there !== undefined) return isSame(source, there) ? { status: "done", found: "same" } : somethingElseAt(to);
    if (this.#links.isFor(to, source)) {
      const written = await this.#links.write(this.root + from, this.root + to, source);
      if (written === "other") return somethingElseAt(to);
      return { status: written === "absent" ? "absent" : "done" };
    }
    try {
      await this.bucket.copy(this.root + from, this.root + to, source);
    } catch (error) {
      // It has gone since it was listed, if a head says so too: what is taken for gone lets what it refers to go.
      if (isNoSuchObject(error) && (await this.bucket.head(this.root + from)) === undefined) return { status: "absent" };
      throw error;
    }
    return { status: "done" };
  }

  /** Throws where the copy is not as long as the original: that has to stay then. A listing may be behind; a head is not. */
  async compare(from: string, to: string, before: HeadOf, after: HeadOf): Promise<void> {
    const bytes = before(from)?.bytes;
    const copy = after(to) ?? (await this.bucket.head(this.root + to));
    if (copy?.bytes !== bytes) throw new Error(`the copy at ${to} has ${copy?.bytes ?? "no"} bytes instead of ${bytes ?? 0}`);
  }
}

function somethingElseAt(path: string): OutcomeOfOne {
  return { status: "failed", found: "other", cause: `there is something else at ${path} already` };
}

/** Whether both are the same content, as far as heads can tell: ETags that are no MD5 differ for the same content, never the other way. */
function isSame(one: ObjectHead, other: ObjectHead): boolean {
  return one.bytes === other.bytes && one.etag !== "" && one.etag === other.etag;
}
