import { setMaxListeners } from "node:events";
import type { Readable } from "node:stream";
import {
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
} from "@aws-sdk/client-s3";
import type {
  HeadObjectCommandOutput,
  ListMultipartUploadsCommandOutput,
  ListPartsCommandOutput,
  S3Client,
} from "@aws-sdk/client-s3";
import type { RetryStrategyV2 } from "@smithy/types";
import type { DigestAlgorithm } from "../../registry/digest.js";
import { StorageClosed } from "../closed.js";
import { noRequests } from "../requests.js";
import type { StorageRequests } from "../requests.js";
import { observe } from "./attempt.js";
import type { AttemptObserver, HttpResponse } from "./attempt.js";
import { Archive } from "./archive.js";
import { collect, hashOf } from "./body.js";
import { ASK_FOR_CHECKSUM, checksumOf, checksumOfHead } from "./checksum.js";
import type { StoredChecksum } from "./checksum.js";
import { createClient, DEFAULT_CONCURRENCY } from "./client.js";
import { storedSeconds } from "./dates.js";
import { isNoSuchObject, nameOf } from "./errors.js";
import { addressIn, DirectRequests } from "./direct-requests.js";
import { queryOf, RESTORE_STATUS } from "./list-request.js";
import type { ListRequest } from "./list-request.js";
import { DEFAULT_RETRIES, isOfAws } from "./options.js";
import type { S3Options } from "./options.js";
import { DamagedPage } from "./page.js";
import type { ListedPage } from "./page.js";
import { retryStrategy } from "./retry.js";
import { RequestLimit } from "./request-limit.js";
import { readPage } from "./scan-page.js";

/** A listing of uploads that is not cut off. */
const WHOLE_UPLOADS = /<\/ListMultipartUploadsResult>|<ListMultipartUploadsResult[^>]*\/>/;

/**
 * The requests that regcheck makes to a bucket: counted, bounded, repeated where that may help. Keys are whole: the registry's root
 * directory is the caller's affair. What fails after all attempts throws the SDK's error, which `errors.ts` explains.
 *
 * Not simply named `Bucket`: in a class of that name with private methods, tsc 7.0 renames the SDK's property `Bucket` as well.
 */
export class BucketReader {
  readonly requests: StorageRequests = noRequests();
  readonly limit: RequestLimit;
  protected readonly client: S3Client;
  readonly name: string;
  readonly archive: Archive;
  private readonly isAws: boolean;
  readonly #closing = new AbortController();
  readonly #retries: RetryStrategyV2;
  #direct: DirectRequests | undefined;

  constructor(
    options: S3Options,
    private readonly onExpiration: (key: string, header: string) => void = () => {},
  ) {
    this.name = options.bucket;
    this.isAws = isOfAws(options);
    this.archive = new Archive(this.isAws, (key) => this.get(key, 1));
    const { signal } = this.#closing;
    // Each request that waits for its next attempt listens.
    setMaxListeners(0, signal);
    this.#retries = retryStrategy(options.retries ?? DEFAULT_RETRIES, signal);
    this.limit = new RequestLimit(options.concurrency ?? DEFAULT_CONCURRENCY, signal);
    this.client = createClient(options, this.#retries, signal);
  }

  /** One page of a listing. */
  list(request: ListRequest): Promise<ListedPage> {
    return this.limit.run(async (onThrottled) => {
      let page: ListedPage | undefined;
      const observer: AttemptObserver = {
        onAttempt: () => this.requests.list++,
        onThrottled,
        onRequest: (sent) => {
          this.#direct ??= this.#directBy(sent);
        },
        readBody: async (body, bytes) => {
          page = readPage(await collect(body, bytes));
        },
      };
      await this.#send(
        () => this.#listBySdk(request, observer),
        (direct) => direct.list(queryOf(request), observer, this.isAws ? RESTORE_STATUS : {}),
      );
      if (page === undefined) throw new Error("a listing without a body");
      return page;
    });
  }

  /** Past the SDK where that is known to reach the bucket. */
  async #send(bySdk: () => Promise<void>, directly: (direct: DirectRequests) => Promise<void>): Promise<void> {
    if (this.#direct === undefined) return bySdk();
    try {
      return await directly(this.#direct);
    } catch (error) {
      // The SDK sets its clock by the server's, where this machine's was set in the middle of a run.
      if (nameOf(error) === "RequestTimeTooSkewed") return bySdk();
      throw error;
    }
  }

  async #listBySdk({ prefix, startAfter, token, delimiter, maxKeys }: ListRequest, observer: AttemptObserver): Promise<void> {
    const command = new ListObjectsV2Command({
      Bucket: this.name,
      Prefix: prefix,
      StartAfter: token === undefined ? startAfter : undefined,
      ContinuationToken: token,
      Delimiter: delimiter,
      MaxKeys: maxKeys,
      // Other servers have no archive to restore from.
      OptionalObjectAttributes: this.isAws ? ["RestoreStatus"] : undefined,
    });
    observe(command, observer);
    await this.client.send(command);
  }

  /** An object's content, of which at most `mostBytes` are read; undefined when there is no such object. */
  get(key: string, mostBytes: number): Promise<Buffer | undefined> {
    return this.#read(key, (body, bytes) => collect(body, bytes, mostBytes));
  }

  /** Reads an object as a stream: each attempt calls `read` anew. undefined when there is no such object. */
  read<T>(key: string, read: (body: Readable) => Promise<T>): Promise<T | undefined> {
    return this.#read(key, read);
  }

  /** The hash of an object's content, as hex; undefined when there is no such object. */
  hash(key: string, algorithm: DigestAlgorithm): Promise<string | undefined> {
    return this.#read(key, (body, bytes) => hashOf(body, bytes, algorithm));
  }

  /**
   * Gets an object and asks for the checksum that the server keeps of it, which `read` receives before the body; each attempt
   * calls it anew. undefined when there is no such object.
   */
  getWithChecksum<T>(
    key: string,
    read: (body: Readable, bytes: number | undefined, checksum: StoredChecksum) => Promise<T>,
  ): Promise<T | undefined> {
    return this.#read(key, (body, bytes, headers) => read(body, bytes, checksumOf(headers)), ASK_FOR_CHECKSUM);
  }

  /** The checksum that the server keeps of an object; undefined when there is no such object. */
  checksum(key: string): Promise<StoredChecksum | undefined> {
    return this.#head(key, { ChecksumMode: "ENABLED" }, checksumOfHead);
  }

  #read<T>(
    key: string,
    read: (body: Readable, bytes: number | undefined, headers: HttpResponse["headers"]) => Promise<T>,
    headers?: Readonly<Record<string, string>>,
  ): Promise<T | undefined> {
    return this.limit.run(async (onThrottled) => {
      let content: T | undefined;
      const observer: AttemptObserver = {
        onAttempt: () => this.requests.get++,
        onThrottled,
        readBody: async (...response) => {
          content = await read(...response);
          const [, , { "x-amz-expiration": expiration }] = response;
          if (expiration !== undefined) this.onExpiration(key, expiration);
        },
      };
      try {
        await this.#send(
          () => this.#getBySdk(key, observer),
          (direct) => direct.get(key, observer, headers),
        );
      } catch (error) {
        if (isNoSuchObject(error)) return undefined;
        throw error;
      }
      if (content === undefined) throw new Error("an object without a body");
      return content;
    });
  }

  async #getBySdk(key: string, observer: AttemptObserver): Promise<void> {
    const command = new GetObjectCommand({ Bucket: this.name, Key: key });
    observe(command, observer);
    await this.client.send(command);
  }

  /** The SDK knows where the bucket is: its first listing shows it. */
  #directBy(request: unknown): DirectRequests | undefined {
    const address = addressIn(request);
    return address && new DirectRequests(this.client, address, this.#retries, this.#closing.signal);
  }

  /** When an object was last changed, in seconds since 1970; undefined when there is no such object. */
  modified(key: string): Promise<number | undefined> {
    return this.#head(key, {}, ({ LastModified }) => {
      if (LastModified === undefined) throw new Error("an object without a date");
      return storedSeconds(LastModified.getTime());
    });
  }

  /** Asks for an object's head alone, which says whether the bucket is going to delete it: `onExpiration` hears of it. */
  async askExpiration(key: string): Promise<void> {
    await this.#head(key, {}, () => true);
  }

  #head<T>(
    key: string,
    more: { readonly ChecksumMode?: "ENABLED" },
    read: (head: HeadObjectCommandOutput) => T,
  ): Promise<T | undefined> {
    return this.limit.run(async (onThrottled) => {
      const command = new HeadObjectCommand({ Bucket: this.name, Key: key, ...more });
      observe(command, { onAttempt: () => this.requests.head++, onThrottled });
      try {
        const head = await this.client.send(command);
        if (head.Expiration !== undefined) this.onExpiration(key, head.Expiration);
        return read(head);
      } catch (error) {
        if (isNoSuchObject(error)) return undefined;
        throw error;
      }
    });
  }

  /** One page of the unfinished multipart uploads of the whole bucket. */
  multipartUploads(after?: { readonly key: string; readonly uploadId: string }): Promise<ListMultipartUploadsCommandOutput> {
    return this.limit.run((onThrottled) => {
      const command = new ListMultipartUploadsCommand({
        Bucket: this.name,
        KeyMarker: after?.key,
        UploadIdMarker: after?.uploadId,
      });
      observe(command, {
        onAttempt: () => this.requests.list++,
        onThrottled,
        onRequest: (request) => {
          this.#direct ??= this.#directBy(request);
        },
        readBody: async (stream, bytes) => {
          const body = await collect(stream, bytes);
          if (!WHOLE_UPLOADS.test(body.toString("utf8"))) throw new DamagedPage("the listing of multipart uploads is cut off");
          return body;
        },
      });
      return this.client.send(command);
    });
  }

  /** One page of the parts of a multipart upload, from a part's number on. */
  parts(key: string, uploadId: string, after: string | undefined): Promise<ListPartsCommandOutput> {
    return this.limit.run((onThrottled) => {
      const upload = { Bucket: this.name, Key: key, UploadId: uploadId };
      const command = new ListPartsCommand({ ...upload, PartNumberMarker: after });
      observe(command, { onAttempt: () => this.requests.list++, onThrottled });
      return this.client.send(command);
    });
  }

  /** Closes the connections: what is under way fails, and nothing is asked any more. */
  close(): void {
    // Without this, what is under way would be tried again on new connections.
    this.#closing.abort(new StorageClosed());
    this.client.destroy();
  }
}
