import { setTimeout } from "node:timers/promises";
import type { BucketWriter, ObjectVersion } from "./bucket-writer.js";
import { compareContent } from "./compare-content.js";
import { isConflict, isNoSuchObject, isNotImplemented, isPreconditionFailed } from "./errors.js";
import type { ObjectHead } from "./object-head.js";

/** How often a write is tried that the server refuses for what it does not show, and how long the attempts take: the settling time at most. */
const ATTEMPTS = 4;

/** What became of a write that is to find nothing; `unchecked`: it was made whatever is there. */
type Answer = "created" | "exists" | "refused" | "conflict" | "unchecked";

/** Writes that depend on what is there, as far as the server knows conditions. */
export class ConditionalWrites {
  constructor(
    private readonly bucket: BucketWriter,
    /** Milliseconds after which a write that was under way when ours began has come to its end: for servers without conditions. */
    private readonly settling: number,
  ) {}

  /** Stores an object if there is none. Throws where the server refuses it, and shows no object in all attempts. */
  async create(key: string, content: Uint8Array): Promise<"created" | "exists"> {
    if ((await this.bucket.head(key)) !== undefined) return "exists";
    const markers = new Set<string | undefined>();
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (attempt > 0) await setTimeout(this.settling / ATTEMPTS);
      const answer = await this.#createIfAbsent(key, content);
      if (answer === "unchecked") return this.#settled(key, content);
      if (answer === "created" || answer === "exists") return answer;
      const versions = answer === "refused" ? await this.bucket.versionsOf(key) : [];
      const marker = versions.find(({ isMarker, isLatest }) => isMarker && isLatest);
      if (marker !== undefined && (await this.bucket.versioning()) === "Enabled")
        return this.#createVersion(key, content, versions);
      markers.add(marker && `${marker.versionId} ${marker.modified}`);
    }
    // Of one marker in all attempts, nobody has taken the place in between: it is in the way itself.
    if (markers.size === 1 && !markers.has(undefined)) {
      await this.bucket.put(key, content);
      return this.#settled(key, content);
    }
    const there = await compareContent(this.bucket, key, content);
    if (there !== "absent") return there === "same" ? "created" : "exists";
    throw new Error("the server refuses it for an object, or a write under way, that it does not show");
  }

  /** Stores an object in the place of one with the expected content. */
  async replace(key: string, expected: Uint8Array, content: Uint8Array): Promise<"replaced" | "changed" | "absent"> {
    const head = await this.bucket.head(key);
    if (head === undefined) return "absent";
    const there = await compareContent(this.bucket, key, expected);
    if (there !== "same") return there;
    await this.#putInPlaceOf(key, content, head);
    // Whoever was refused may still have been the one who wrote: the reply to the first attempt was lost.
    return (await compareContent(this.bucket, key, content)) === "same" ? "replaced" : "changed";
  }

  /**
   * versitygw takes the delete marker of what was there for an object. Where versions are kept, a write without a condition takes the place of
   * none: of those that came since the marker was seen, the first has it, and ours goes again if it is another.
   */
  async #createVersion(key: string, content: Uint8Array, before: readonly ObjectVersion[]): Promise<"created" | "exists"> {
    const ours = await this.bucket.put(key, content);
    await setTimeout(this.settling);
    const known = new Set(before.map(({ versionId }) => versionId));
    const since = (await this.bucket.versionsOf(key)).filter(({ isMarker, versionId }) => !isMarker && !known.has(versionId));
    if (ours !== undefined && since.at(-1)?.versionId === ours) return "created";
    if (ours !== undefined) await this.bucket.delete([{ key, versionId: ours }]);
    return "exists";
  }

  /** As `#putIfAbsent`, and looks at what is there then: `refused` and `conflict` if it is nothing. */
  async #createIfAbsent(key: string, content: Uint8Array): Promise<Answer> {
    const answer = await this.#putIfAbsent(key, content);
    if (answer === "unchecked") return answer;
    const there = await compareContent(this.bucket, key, content);
    if (there === "absent" && answer !== "stored") return answer;
    return there === "same" ? "created" : "exists";
  }

  /**
   * Stores an object if there is none; `refused` if the server says that there is one, `conflict` if it says that somebody is writing it. To
   * know whether it looks at all, it is asked to do the same again, which a server that does refuses.
   */
  async #putIfAbsent(key: string, content: Uint8Array): Promise<"stored" | "refused" | "conflict" | "unchecked"> {
    for (const isSecond of [false, true]) {
      try {
        await this.bucket.put(key, content, { IfNoneMatch: "*" });
      } catch (error) {
        const isRefused = isPreconditionFailed(error);
        if (isRefused || isConflict(error)) return isSecond ? "stored" : isRefused ? "refused" : "conflict";
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
    return (await compareContent(this.bucket, key, content)) === "same" ? "created" : "exists";
  }

  /** Stores an object in the place of the one that was seen, as far as the server knows conditions. */
  async #putInPlaceOf(key: string, content: Uint8Array, { etag }: ObjectHead): Promise<void> {
    if (etag === "") return void (await this.bucket.put(key, content));
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (attempt > 0) await setTimeout(this.settling / ATTEMPTS);
      if ((await this.#putMatching(key, content, etag)) !== "conflict") return;
    }
  }

  /** `conflict` if the server says that somebody is writing the object. */
  async #putMatching(key: string, content: Uint8Array, etag: string): Promise<"answered" | "conflict"> {
    // Ceph 16 compares the header as it is, and refuses what the standard has between quotes.
    for (const IfMatch of [`"${etag}"`, etag]) {
      try {
        await this.bucket.put(key, content, { IfMatch });
        return "answered";
      } catch (error) {
        if (isConflict(error)) return "conflict";
        if (isNotImplemented(error)) {
          await this.bucket.put(key, content);
          return "answered";
        }
        if (!isPreconditionFailed(error) && !isNoSuchObject(error)) throw error;
      }
    }
    return "answered";
  }
}
