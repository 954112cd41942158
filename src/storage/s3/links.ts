import crypto from "node:crypto";
import { LINK_BYTES, MAX_LINK_BYTES } from "../../registry/layout.js";
import { soundLink } from "../../registry/link.js";
import type { BucketReader } from "./bucket-reader.js";
import { causeOf } from "./errors.js";
import type { ObjectHead } from "./object-head.js";
import type { ListedObject } from "./page.js";

/** The result of reading a small object. */
export type LinkRead = { readonly content: Uint8Array } | { readonly fault: string } | { readonly gone: true };

/**
 * What links hold, mostly without reading them: a link's content is known text, so where its ETag is the MD5 of that text, it holds
 * it. Where ETags are no MD5 (SSE-KMS, SSE-C, multipart) none fits, and the object is read.
 */
export class LinkReader {
  constructor(
    private readonly bucket: BucketReader,
    /** Read even where the ETag fits. */
    private readonly always: boolean,
  ) {}

  /** Whether what a listing shows is enough. */
  get trustsListing(): boolean {
    return !this.always;
  }

  /** Whether an object that is listed with an archive's class cannot be read. */
  isArchived(key: string): Promise<boolean> {
    return this.bucket.archive.holds(key);
  }

  /** Whether the listing alone shows that the link holds `sha256:<hex>`. */
  holds(object: ListedObject, hex: string): boolean {
    return !this.always && isSoundLink({ bytes: object.size, etag: object.etag }, hex);
  }

  /** When an upload began, by its `startedat`: that is the time of its own writing, so the text can be guessed to the second. */
  async startedAt(
    object: ListedObject,
  ): Promise<{ readonly content: string } | { readonly fault: string } | { readonly gone: true }> {
    for (let second = 0; second < GUESSED_SECONDS && !this.always; second++) {
      const guess = `${new Date((object.modified - second) * 1000).toISOString().slice(0, 19)}Z`;
      if (object.size === guess.length && object.etag === md5(guess)) return { content: guess };
    }
    const read = await this.read(object);
    return !("content" in read) ? read : { content: Buffer.from(read.content).toString("latin1") };
  }

  /** The content, up to one byte more than a link may have. An object may go between its listing and this: that is no fault. */
  async read(object: ListedObject): Promise<LinkRead> {
    if (object.size === 0) return { content: new Uint8Array() };
    const expected = Math.min(object.size, MAX_LINK_BYTES + 1);
    try {
      // A body that is shorter than listed is a fault of the transfer, or the object was replaced: a second look tells.
      for (let attempt = 0; attempt < 2; attempt++) {
        const content = await this.bucket.get(object.key, MAX_LINK_BYTES + 1);
        if (content === undefined) return { gone: true };
        if (content.length === expected) return { content: Uint8Array.from(content) };
      }
      return { fault: `its content has not the ${object.size} bytes that were listed` };
    } catch (error) {
      return { fault: causeOf(error) };
    }
  }
}

/** Whether a head shows that a link holds `sha256:<hex>`. */
export function isSoundLink({ bytes, etag }: Pick<ObjectHead, "bytes" | "etag">, hex: string): boolean {
  return bytes === LINK_BYTES && etag === md5(soundLink(hex));
}

const GUESSED_SECONDS = 3;

let lastText = "";
let lastHash = "";

/** What a tag names is asked about twice, one after the other: by its own link, and by its history. */
function md5(text: string): string {
  if (text === lastText) return lastHash;
  lastHash = crypto.hash("md5", text, "hex");
  lastText = text;
  return lastHash;
}
