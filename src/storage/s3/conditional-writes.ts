import { setTimeout } from "node:timers/promises";
import type { BucketWriter } from "./bucket-writer.js";
import { isNoSuchObject, isNotImplemented, isPreconditionFailed } from "./errors.js";
import type { ObjectHead } from "./object-head.js";

/** Writes that depend on what is there, as far as the server knows conditions. */
export class ConditionalWrites {
  constructor(
    private readonly bucket: BucketWriter,
    /** Milliseconds after which a write that was under way when ours began has come to its end: for servers without conditions. */
    private readonly settling: number,
  ) {}

  /** Stores an object if there is none. */
  async create(key: string, content: Uint8Array): Promise<"created" | "exists"> {
    if ((await this.bucket.head(key)) !== undefined) return "exists";
    for (let attempt = 0; attempt < 2; attempt++) {
      const answer = await this.#putIfAbsent(key, content);
      if (answer === "unchecked") return this.#settled(key, content);
      const stored = await this.bucket.get(key, content.length + 1);
      if (stored !== undefined || answer === "stored") return stored?.equals(content) === true ? "created" : "exists";
    }
    // Refused twice for what is not there: versitygw takes the delete marker of what was there for an object.
    await this.bucket.put(key, content);
    return this.#settled(key, content);
  }

  /** Stores an object in the place of one with the expected content. */
  async replace(key: string, expected: Uint8Array, content: Uint8Array): Promise<"replaced" | "changed" | "absent"> {
    const head = await this.bucket.head(key);
    const stored = head && (await this.bucket.get(key, expected.length + 1));
    if (head === undefined || stored === undefined) return "absent";
    if (!stored.equals(expected)) return "changed";
    await this.#putInPlaceOf(key, content, head);
    // Whoever was refused may still have been the one who wrote: the reply to the first attempt was lost.
    return (await this.#isOurs(key, content)) ? "replaced" : "changed";
  }

  /**
   * Stores an object if there is none; `refused` if the server says that there is one. To know whether it looks at all, it is asked to do the
   * same again, which a server that does refuses.
   */
  async #putIfAbsent(key: string, content: Uint8Array): Promise<"stored" | "refused" | "unchecked"> {
    for (const ifRefused of ["refused", "stored"] as const) {
      try {
        await this.bucket.put(key, content, { IfNoneMatch: "*" });
      } catch (error) {
        if (isPreconditionFailed(error)) return ifRefused;
        if (!isNotImplemented(error)) throw error;
        await this.bucket.put(key, content);
        return "unchecked";
      }
    }
    return "unchecked";
  }

  /** Where a server stores whatever it is asked to: whoever wrote last has it, once all have written. */
  async #settled(key: string, content: Uint8Array): Promise<"created" | "exists"> {
    await setTimeout(this.settling);
    return (await this.#isOurs(key, content)) ? "created" : "exists";
  }

  /** Stores an object in the place of the one that was seen, as far as the server knows conditions. */
  async #putInPlaceOf(key: string, content: Uint8Array, { etag }: ObjectHead): Promise<void> {
    if (etag === "") return this.bucket.put(key, content);
    // Ceph 16 compares the header as it is, and refuses what the standard has between quotes.
    for (const IfMatch of [`"${etag}"`, etag]) {
      try {
        return await this.bucket.put(key, content, { IfMatch });
      } catch (error) {
        if (isNotImplemented(error)) return this.bucket.put(key, content);
        if (!isPreconditionFailed(error) && !isNoSuchObject(error)) throw error;
      }
    }
  }

  async #isOurs(key: string, content: Uint8Array): Promise<boolean> {
    const stored = await this.bucket.get(key, content.length + 1);
    return stored?.equals(content) === true;
  }
}
