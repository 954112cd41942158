import type { Credentials } from "./auth.js";
import type { Fault, Injected } from "./faults.js";
import { fromBytes, toBytes } from "./keys.js";
import type { LogEntry } from "./server.js";
import { S3HttpServer } from "./server.js";
import type { EtagKind, LifecycleRule } from "./store.js";
import { Bucket, etagOf, nextId } from "./store.js";
import type { VirtualListing, VirtualRead } from "./virtual.js";

export type { Credentials } from "./auth.js";
export type { Effect, Fault, Injected } from "./faults.js";
export type { LogEntry } from "./server.js";
export type { VirtualListing, VirtualObject, VirtualPage, VirtualRead } from "./virtual.js";
export { contentsXml } from "./listing.js";
export { compositeSha256 } from "./uploads.js";
export { uniformBlobs } from "./virtual.js";

/** A bucket to start with. */
export interface BucketOptions {
  readonly name: string;
  /** One that differs from the server's answers with a redirect. */
  readonly region?: string;
  /** `suspended`: versions were kept once. */
  readonly versioned?: boolean | "suspended";
  /** As MinIO does: a prefix of multipart uploads is taken for a key. */
  readonly listsUploadsByKey?: boolean;
  /** Milliseconds that its clock is ahead of ours, as its own writes tell. */
  readonly ahead?: number;
  /** As versitygw does: a write that is to find no object takes a delete marker for one. */
  readonly takesMarkersForObjects?: boolean;
}

export interface ServerOptions {
  readonly buckets?: readonly (string | BucketOptions)[];
  /** bucket -> key -> content; the buckets are made. */
  readonly objects?: Readonly<Record<string, Readonly<Record<string, string | Uint8Array>>>>;
  /** When absent, any signature will do, and none. */
  readonly credentials?: Credentials;
  /** When absent, a signature for any region will do. */
  readonly region?: string;
  /** Milliseconds added to every request. */
  readonly latency?: number;
}

/** How an object is stored. */
export interface PutOptions {
  readonly modified?: Date;
  /** Default `md5`; the others are no MD5 of the content. */
  readonly etag?: EtagKind;
  /** Keeps this SHA-256 with the object, as `x-amz-checksum-sha256` does. Base64. */
  readonly checksumSha256?: string | undefined;
  /** Default `STANDARD`. What is in an archive's class is read like any other. */
  readonly storageClass?: string;
}

/** An S3 server in this process, path style, in memory. */
export interface S3Server {
  readonly endpoint: string;
  readonly port: number;
  /** Requests by operation since the start or the last `forget`. */
  readonly requests: Readonly<Record<string, number>>;
  readonly log: readonly LogEntry[];
  /** The most requests that were under way at once. */
  readonly peak: () => number;
  /** Sets the milliseconds added to every request. */
  readonly setLatency: (milliseconds: number) => void;
  /** Forgets counts, log and peak. */
  readonly forget: () => void;
  /** Stores an object, past HTTP; makes the bucket when it is not there. */
  readonly put: (bucket: string, key: string, content: string | Uint8Array, options?: PutOptions) => void;
  /** Lets the clock of a bucket go on by so much. */
  readonly pass: (bucket: string, milliseconds: number) => void;
  /** Removes an object, past HTTP: in a versioned bucket, puts a delete marker in front of it. */
  readonly remove: (bucket: string, key: string) => void;
  /** Begins a multipart upload, past HTTP, and returns its id. */
  readonly startUpload: (bucket: string, key: string, initiated?: Date, parts?: readonly (string | Uint8Array)[]) => string;
  /** Gives a bucket lifecycle rules, past HTTP. It tells of them, and deletes nothing. */
  readonly expire: (bucket: string, rules: readonly LifecycleRule[]) => void;
  /** What a listing would show now, in its order. */
  readonly objects: (bucket: string) => ReadonlyMap<string, Buffer>;
  /** Multipart uploads that are neither completed nor aborted: id -> key. */
  readonly uploads: (bucket: string) => ReadonlyMap<string, string>;
  /** A bucket whose listing is computed, so that it may be as large as it likes; it can be read only. */
  readonly virtualBucket: (name: string, list: VirtualListing, read?: VirtualRead) => void;
  readonly inject: (fault: Fault) => Injected;
  readonly stop: () => Promise<void>;
}

/** Starts a server on a free port of 127.0.0.1. */
export async function startS3Server(options: ServerOptions = {}): Promise<S3Server> {
  const server = new S3HttpServer(options.region, options.credentials);
  server.latency = options.latency ?? 0;
  const bucketOf = (name: string): Bucket => {
    const bucket = server.buckets.get(name) ?? new Bucket(name, options.region ?? "us-east-1");
    server.buckets.set(name, bucket);
    return bucket;
  };
  for (const wanted of options.buckets ?? []) {
    const {
      name,
      region = options.region ?? "us-east-1",
      versioned = false,
      listsUploadsByKey = false,
      ahead = 0,
      takesMarkersForObjects = false,
    } = typeof wanted === "string" ? { name: wanted } : wanted;
    const bucket = new Bucket(name, region);
    if (versioned !== false) bucket.versioning = versioned === "suspended" ? "Suspended" : "Enabled";
    bucket.listsUploadsByKey = listsUploadsByKey;
    bucket.ahead = ahead;
    bucket.takesMarkersForObjects = takesMarkersForObjects;
    server.buckets.set(name, bucket);
  }
  const put: S3Server["put"] = (bucket, key, text, given = {}) => {
    const { modified = bucketOf(bucket).now(), etag = "md5", checksumSha256, storageClass } = given;
    const content = Buffer.from(text);
    bucketOf(bucket).put(toBytes(key), {
      content,
      etag: etagOf(content, etag),
      modified,
      checksumSha256,
      storageClass,
      metadata: {},
    });
  };
  for (const [bucket, objects] of Object.entries(options.objects ?? {})) {
    bucketOf(bucket);
    for (const [key, content] of Object.entries(objects)) put(bucket, key, content);
  }

  await new Promise<void>((resolve, reject) => server.http.once("error", reject).listen(0, "127.0.0.1", resolve));
  const address = server.http.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  const { port } = address;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    port,
    requests: server.requests,
    log: server.log,
    peak: () => server.peak,
    setLatency: (milliseconds) => {
      server.latency = milliseconds;
    },
    forget: () => {
      for (const operation of Object.keys(server.requests)) delete server.requests[operation];
      server.log.length = 0;
      server.peak = server.inFlight;
    },
    put,
    pass: (bucket, milliseconds) => void (bucketOf(bucket).ahead += milliseconds),
    remove: (bucket, key) => void bucketOf(bucket).remove(toBytes(key)),
    startUpload: (bucket, key, initiated = new Date(), parts = []) => {
      const id = nextId();
      const stored = new Map(parts.map((part, i) => [i + 1, Buffer.from(part)]));
      bucketOf(bucket).uploads.set(id, { key: toBytes(key), id, initiated, parts: stored });
      return id;
    },
    expire: (bucket, rules) => {
      bucketOf(bucket).lifecycle = rules;
    },
    objects: (bucket) => contentsOf(bucketOf(bucket)),
    uploads: (bucket) => new Map([...bucketOf(bucket).uploads.values()].map(({ id, key }) => [id, fromBytes(key)])),
    virtualBucket: (name, list, read = () => undefined) => {
      server.buckets.set(name, new Bucket(name, options.region ?? "us-east-1", { list, read }));
    },
    inject: (fault) => server.faults.inject(fault),
    stop: () => server.stop(),
  };
}

function contentsOf(bucket: Bucket): ReadonlyMap<string, Buffer> {
  return new Map(bucket.listed().versions.map(({ key, content }) => [fromBytes(key), content]));
}
