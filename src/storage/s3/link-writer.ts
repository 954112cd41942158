import { OWN } from "../../registry/layout.js";
import type { BucketWriter } from "./bucket-writer.js";
import { compareContent } from "./compare-content.js";
import { isNotImplemented, isPreconditionFailed } from "./errors.js";
import { isSoundLink } from "./links.js";
import type { ObjectHead } from "./object-head.js";

/** A link by its path, and the digest that the path names, if it names one. */
const LINK = /(?:\/sha256\/([0-9a-f]{64}))?\/link$/;

/**
 * Puts links in their places in the registry while others may be writing them: a request that copies asks for no condition that every
 * server knows, and takes the place of what somebody has written in between.
 */
export class LinkWriter {
  /** Whether the server looks at the condition of a write. */
  #looks: Promise<boolean> | undefined;

  constructor(private readonly bucket: BucketWriter) {}

  /**
   * Whether an object that is to be at this path has to be put there by `write`. A link whose ETag says that it holds the digest of its path
   * is one that any other writer of it would write too: no harm is done by a copy.
   */
  isFor(path: string, head: ObjectHead): boolean {
    const match = path.startsWith(`${OWN}/`) ? null : LINK.exec(path);
    return match !== null && (match[1] === undefined || !isSoundLink(head, match[1]));
  }

  /** Stores at the key `to` what is at `from`, unless there is anything else. `absent`: it has gone from there. */
  async write(from: string, to: string, { bytes }: ObjectHead): Promise<"written" | "absent" | "other"> {
    const content = await this.bucket.get(from, bytes + 1);
    if (content === undefined) return "absent";
    if (content.length !== bytes) throw new Error(`it has ${content.length} bytes instead of ${bytes}`);
    const attempts = (await this.#looksAtConditions(from, content)) ? 2 : 0;
    for (let attempt = 0; attempt < attempts; attempt++) {
      if (await this.#putIfAbsent(to, content)) return "written";
      const there = await this.#at(to, content);
      if (there !== undefined) return there;
    }
    // Such a server is asked right before; or it refuses what is not there: versitygw takes a delete marker for an object.
    const there = await this.#at(to, content);
    if (there !== undefined) return there;
    await this.bucket.put(to, content);
    return "written";
  }

  /** What is at a key; the same content is as good as written: the answer to a first attempt may have been lost. */
  async #at(key: string, content: Buffer): Promise<"written" | "other" | undefined> {
    const there = await compareContent(this.bucket, key, content);
    if (there === "absent") return undefined;
    return there === "same" ? "written" : "other";
  }

  async #putIfAbsent(key: string, content: Buffer): Promise<boolean> {
    try {
      await this.bucket.put(key, content, { IfNoneMatch: "*" });
      return true;
    } catch (error) {
      if (isPreconditionFailed(error)) return false;
      throw error;
    }
  }

  /** Asks the server, once, to store an object where it is already, with the content that it has: one that looks refuses, and no other does harm. */
  #looksAtConditions(key: string, content: Buffer): Promise<boolean> {
    this.#looks ??= this.#putIfAbsent(key, content).then(
      (isStored) => !isStored,
      (error: unknown) => {
        if (isNotImplemented(error)) return false;
        this.#looks = undefined;
        throw error;
      },
    );
    return this.#looks;
  }
}
