import { createHash, randomBytes } from "node:crypto";
import type { ByteString } from "./keys.js";
import type { VirtualListing, VirtualRead } from "./virtual.js";

/** One version of an object, or a delete marker. */
export interface Version {
  readonly key: ByteString;
  readonly id: string;
  readonly isMarker: boolean;
  readonly content: Buffer;
  /** Without quotes. */
  readonly etag: string;
  readonly modified: Date;
  /** Base64, when the object was stored with one; of a multipart upload that of its parts' checksums, `-` and their number. */
  readonly checksumSha256?: string | undefined;
  readonly contentType?: string | undefined;
  readonly storageClass?: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  /** Its `<Contents>` element, once it was listed: rendering is most of what a page costs. */
  contents?: string;
}

/** A multipart upload that is neither completed nor aborted. */
export interface Upload {
  readonly key: ByteString;
  readonly id: string;
  readonly initiated: Date;
  readonly parts: Map<number, Buffer>;
  /** Whether it was begun with the checksum algorithm SHA256. */
  readonly hasSha256?: boolean;
}

/** A lifecycle rule: what begins with the prefix expires so many days after it was written, at the next midnight. */
export interface LifecycleRule {
  readonly id: string;
  readonly prefix: string;
  readonly days: number;
  /** What `x-amz-expiration` says instead of the date and the id. */
  readonly header?: string;
}

export type Versioning = "Enabled" | "Suspended" | undefined;
export type NewVersion = Omit<Version, "key" | "id" | "isMarker">;

/** Current versions and their keys, by the same index. */
export interface Listed {
  readonly keys: readonly ByteString[];
  readonly versions: readonly Version[];
}

/** A bucket in memory: all versions of all keys, the newest first. */
export class Bucket {
  versioning: Versioning;
  /** MinIO lists multipart uploads of one key, or all: it takes a prefix for a key. */
  listsUploadsByKey = false;
  /** Milliseconds that its clock is ahead of ours. */
  ahead = 0;
  /** versitygw takes a delete marker for an object where a write is to find none. */
  takesMarkersForObjects = false;
  lifecycle: readonly LifecycleRule[] = [];
  readonly uploads = new Map<string, Upload>();
  readonly #versions = new Map<ByteString, Version[]>();
  #sorted: ByteString[] | undefined = [];
  #current: Listed | undefined;

  constructor(
    readonly name: string,
    readonly region: string,
    readonly virtual?: { readonly list: VirtualListing; readonly read: VirtualRead },
  ) {}

  /** The time by its clock. */
  now(): Date {
    return new Date(Date.now() + this.ahead);
  }

  /** Keys that have any version, in S3's order. */
  allKeys(): readonly ByteString[] {
    this.#sorted ??= [...this.#versions.keys()].sort(byteOrder);
    return this.#sorted;
  }

  /** What a plain listing shows, in S3's order. */
  listed(): Listed {
    if (this.#current === undefined) {
      const versions = this.allKeys().flatMap((key) => this.current(key) ?? []);
      this.#current = { keys: versions.map(({ key }) => key), versions };
    }
    return this.#current;
  }

  versionsOf(key: ByteString): readonly Version[] {
    return this.#versions.get(key) ?? [];
  }

  /** The version that a plain GET reads, if it is no delete marker. */
  current(key: ByteString): Version | undefined {
    const newest = this.#versions.get(key)?.[0];
    return newest?.isMarker === false ? newest : undefined;
  }

  /** Stores a new version as the bucket's versioning says. */
  put(key: ByteString, version: NewVersion): Version {
    return this.#add({ ...version, key, id: this.#newId(), isMarker: false });
  }

  /** A plain DELETE: removes the object, or puts a delete marker in front of it. Returns the marker. */
  remove(key: ByteString): Version | undefined {
    if (this.versioning === undefined) {
      this.#versions.delete(key);
      this.#changed();
      return undefined;
    }
    const marker = {
      key,
      id: this.#newId(),
      isMarker: true,
      content: Buffer.alloc(0),
      etag: "",
      modified: this.now(),
      metadata: {},
    };
    return this.#add(marker);
  }

  /** A DELETE of one version; undefined when there is none of that id. */
  removeVersion(key: ByteString, id: string): Version | undefined {
    const versions = this.#versions.get(key) ?? [];
    const found = versions.find((version) => version.id === id);
    if (found === undefined) return undefined;
    const left = versions.filter((version) => version !== found);
    if (left.length === 0) this.#versions.delete(key);
    else this.#versions.set(key, left);
    this.#changed();
    return found;
  }

  #add(version: Version): Version {
    const before = this.#versions.get(version.key);
    const others = (before ?? []).filter((other) => version.id !== "null" || other.id !== "null");
    this.#versions.set(version.key, [version, ...others]);
    this.#current = undefined;
    if (before === undefined) this.#sorted = undefined;
    return version;
  }

  #changed(): void {
    this.#sorted = undefined;
    this.#current = undefined;
  }

  #newId(): string {
    return this.versioning === "Enabled" ? nextId() : "null";
  }
}

let counter = 0;

/** Ids that sort in the order in which they were given out. */
export function nextId(): string {
  counter += 1;
  return `${counter.toString(36).padStart(8, "0")}${randomBytes(12).toString("hex")}`;
}

const byteOrder = (a: ByteString, b: ByteString): number => (a < b ? -1 : Number(a > b));

/** How the ETag of a stored object comes about: only the first is the MD5 of its content. */
export type EtagKind = "md5" | "multipart" | "kms";

/** The ETag that S3 would give to a content stored in that way. */
export function etagOf(content: Buffer, kind: EtagKind): string {
  const md5 = createHash("md5").update(content);
  if (kind === "md5") return md5.digest("hex");
  if (kind === "multipart") return `${createHash("md5").update(md5.digest()).digest("hex")}-1`;
  return randomBytes(16).toString("hex");
}
