import { Readable } from "node:stream";
import type { S3Client } from "@aws-sdk/client-s3";
import { getRetryAfterHint, isServerError, isThrottlingError, isTransientError } from "@smithy/core/retry";
import type { RetryErrorInfo, RetryStrategyV2, SdkError } from "@smithy/types";
import type { WithAction } from "./actions.js";
import { isHttpResponse, isThrottledStatus } from "./attempt.js";
import type { AttemptObserver } from "./attempt.js";
import { collect } from "./body.js";

/** Where the SDK sends requests for the bucket: taken from one that it made. */
export interface BucketAddress {
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number | undefined;
  /** "" where the bucket is in the host's name, `/bucket` otherwise. */
  readonly basePath: string;
}

/** Where a request to the bucket itself went. */
export function addressIn(request: unknown): BucketAddress | undefined {
  if (typeof request !== "object" || request === null) return undefined;
  const { protocol, hostname, port, path }: { protocol?: unknown; hostname?: unknown; port?: unknown; path?: unknown } = request;
  if (typeof protocol !== "string" || typeof hostname !== "string" || typeof path !== "string") return undefined;
  return { protocol, hostname, port: typeof port === "number" ? port : undefined, basePath: path.replace(/\/$/, "") };
}

/** A request that reads. */
interface DirectRequest {
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  /** What it needs, in the words of a policy. */
  readonly action: string;
}

/**
 * Gets objects, and pages of a listing, with the SDK's own signer and connections, past its stack of middleware: that costs more processor
 * time than all the rest of a check, and is the bound of a whole run where many requests are in flight.
 *
 * Throws what the SDK would, as far as `errors.ts` can tell.
 */
export class DirectRequests {
  #signer: Promise<Signer> | undefined;

  constructor(
    private readonly client: S3Client,
    private readonly address: BucketAddress,
    private readonly retries: RetryStrategyV2,
    /** Once it aborts, nothing is asked any more: its reason is thrown. */
    private readonly closed: AbortSignal,
  ) {}

  /** Gets an object, with more headers in the request if need be, and gives its body to the observer. */
  get(key: string, observer: AttemptObserver, headers: Readonly<Record<string, string>> = {}): Promise<void> {
    const path = `${this.address.basePath}/${key.split("/").map(escapeSegment).join("/")}`;
    return this.#request({ path, query: {}, headers, action: "s3:GetObject" }, observer);
  }

  /** Asks for a page of the listing that the query describes, and gives it to the observer. */
  list(
    query: Readonly<Record<string, string>>,
    observer: AttemptObserver,
    headers: Readonly<Record<string, string>>,
  ): Promise<void> {
    const { basePath } = this.address;
    return this.#request({ path: basePath === "" ? "/" : basePath, query, headers, action: "s3:ListBucket" }, observer);
  }

  async #request(request: DirectRequest, observer: AttemptObserver): Promise<void> {
    let token = await this.retries.acquireInitialRetryToken("");
    for (;;) {
      try {
        await this.#attempt(request, observer);
        this.retries.recordSuccess(token);
        return;
      } catch (error) {
        try {
          token = await this.retries.refreshRetryTokenForRetry(token, describeError(error));
        } catch {
          throw error;
        }
      }
    }
  }

  async #attempt(request: DirectRequest, { onAttempt, onThrottled, readBody }: AttemptObserver): Promise<void> {
    onAttempt();
    const signed = await this.#signed(request);
    this.closed.throwIfAborted();
    const { response }: { response: unknown } = await this.client.config.requestHandler.handle(signed);
    if (!isHttpResponse(response) || !(response.body instanceof Readable)) throw new TypeError("an answer that is none of HTTP");
    const length = response.headers["content-length"];
    const bytes = length === undefined ? undefined : Number(length);
    if (response.statusCode === 200) {
      await readBody?.(response.body, bytes, response.headers);
      return;
    }
    if (isThrottledStatus(response.statusCode)) onThrottled();
    const document = (await collect(response.body, bytes)).toString("utf8");
    throw new ResponseError(response.statusCode, response.headers, document, request.action);
  }

  async #signed({ path, query, headers }: DirectRequest) {
    const { protocol, hostname, port } = this.address;
    this.#signer ??= this.#makeSigner();
    const signer = await this.#signer;
    const request = {
      method: "GET",
      protocol,
      hostname,
      ...(port === undefined ? {} : { port }),
      path,
      query,
      headers: { ...headers, host: port === undefined ? hostname : `${hostname}:${port}` },
    };
    return signer.sign(request, { signingDate: new Date(Date.now() + this.client.config.systemClockOffset) });
  }

  async #makeSigner(): Promise<Signer> {
    const signingRegion = await this.client.config.region();
    const { signer } = this.client.config;
    return signer({ name: "sigv4", signingName: "s3", signingRegion, properties: {} });
  }
}

type Signer = Awaited<ReturnType<S3Client["config"]["signer"]>>;

/** An answer that is no success, in the form of the SDK's errors. */
class ResponseError extends Error implements WithAction {
  override readonly name: string;
  readonly $metadata: { readonly httpStatusCode: number };
  readonly $response: { readonly statusCode: number; readonly headers: Readonly<Record<string, string | undefined>> };

  constructor(
    status: number,
    headers: Readonly<Record<string, string | undefined>>,
    document: string,
    readonly action: string,
  ) {
    super(/<Message>([^<]*)<\/Message>/.exec(document)?.[1] ?? `HTTP ${status}`);
    this.name = /<Code>([^<]+)<\/Code>/.exec(document)?.[1] ?? (status === 404 ? "NoSuchKey" : `HTTP ${status}`);
    this.$metadata = { httpStatusCode: status };
    this.$response = { statusCode: status, headers };
  }
}

/** What the strategy of retries is told of an error: the same as of a request that passes the SDK's stack. */
function describeError(error: unknown): RetryErrorInfo {
  if (!isError(error)) return { errorType: "CLIENT_ERROR" };
  const errorType = typeOf(error);
  if (!(error instanceof ResponseError)) return { errorType };
  const retryAfterHint = getRetryAfterHint(error.$response);
  return {
    errorType,
    error: { name: error.name, message: error.message, $metadata: error.$metadata },
    ...(retryAfterHint === undefined ? {} : { retryAfterHint }),
  };
}

/** All that the SDK looks for in an error may be missing. */
function isError(error: unknown): error is SdkError {
  return error instanceof Error;
}

function typeOf(error: SdkError): RetryErrorInfo["errorType"] {
  if (isThrottlingError(error)) return "THROTTLING";
  if (isTransientError(error)) return "TRANSIENT";
  return isServerError(error) ? "SERVER_ERROR" : "CLIENT_ERROR";
}

/** As S3 wants a path in its signature: all but the unreserved characters of RFC 3986. */
function escapeSegment(segment: string): string {
  return encodeURIComponent(segment).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}
