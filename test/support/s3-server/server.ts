import { setMaxListeners } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { checkSignature } from "./auth.js";
import type { Credentials } from "./auth.js";
import { contentOf } from "./body.js";
import { keysToDelete } from "./deletes.js";
import { Faults, replyOf, spoil } from "./faults.js";
import type { Effect } from "./faults.js";
import { fromBytes } from "./keys.js";
import type { Reply } from "./reply.js";
import { S3Error, noSuchBucket, notImplemented } from "./reply.js";
import { OPERATIONS, routeOf } from "./route.js";
import type { Route } from "./route.js";
import { Bucket, nextId } from "./store.js";

/** One request that came in. */
export interface LogEntry {
  readonly operation: string;
  readonly bucket: string;
  readonly key: string;
  readonly prefix: string | undefined;
  readonly query: Readonly<Record<string, string>>;
  readonly range: string | undefined;
  /** The keys of a DeleteObjects. */
  readonly keys: readonly string[];
  /** Of the reply; undefined while there is none, and for ever when the connection was broken. */
  status: number | undefined;
}

/** The server proper: HTTP in, HTTP out. `startS3Server` is what tests use. */
export class S3HttpServer {
  readonly buckets = new Map<string, Bucket>();
  readonly faults = new Faults();
  readonly log: LogEntry[] = [];
  readonly requests: Record<string, number> = {};
  readonly http: Server;
  /** Added to every request, in milliseconds. */
  latency = 0;
  inFlight = 0;
  peak = 0;
  readonly #stopped = new AbortController();

  constructor(
    readonly region: string | undefined,
    readonly credentials: Credentials | undefined,
  ) {
    // Every request that waits listens to it, and Node 20 warns of a leak at the eleventh.
    setMaxListeners(0, this.#stopped.signal);
    // A client's connection that has been idle for long must not be closed under its next request.
    this.http = createServer({ keepAliveTimeout: 0 }, (request, response) => void this.#serve(request, response));
  }

  /** Closes all connections, those of stalled requests included. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    this.http.closeAllConnections();
    await new Promise((resolve) => this.http.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.inFlight += 1;
    this.peak = Math.max(this.peak, this.inFlight);
    response.once("close", () => {
      this.inFlight -= 1;
    });
    try {
      await this.#answer(request, response);
    } catch (error) {
      if (!this.#stopped.signal.aborted) response.destroy(error instanceof Error ? error : undefined);
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const raw = Buffer.concat(await request.toArray());
    const headers = flat(request);
    const method = request.method ?? "GET";
    const route = attempt(() => routeOf(method, request.url ?? "/", headers["x-amz-copy-source"] !== undefined));
    if (route instanceof S3Error) return send(response, method, route.reply());

    const entry = this.#note(route, headers, raw);
    if (this.latency > 0) await sleep(this.latency, undefined, this.#stopped);
    const target = { operation: route.operation, bucket: route.bucket, key: entry.prefix ?? entry.key };
    const effect = this.faults.ofRequest(target);
    if (effect?.kind === "reset" && effect.applied !== true) return reset(response);
    if (effect?.kind === "stall") await sleep(effect.ms ?? 2 ** 31 - 1, undefined, this.#stopped);

    const outcome = attempt(() => replyOf(effect) ?? this.#perform(route, method, headers, raw, effect));
    const reply = spoil(outcome instanceof S3Error ? outcome.reply() : outcome, effect);
    if (effect?.kind === "reset") return reset(response);
    entry.status = reply.status;
    const isCut = effect?.kind === "short-body" && effect.framing === "cut";
    return isCut ? sendHalf(response, reply, effect.bytes) : send(response, method, reply);
  }

  #note({ operation, bucket, key, query }: Route, headers: Readonly<Record<string, string>>, raw: Buffer): LogEntry {
    this.requests[operation] = (this.requests[operation] ?? 0) + 1;
    const prefix = operation.startsWith("List") ? (query.get("prefix") ?? "") : undefined;
    const keys = operation === "DeleteObjects" ? keysToDelete(raw) : [];
    const found = {
      operation,
      bucket,
      key: fromBytes(key),
      prefix,
      query: Object.fromEntries(query),
      range: headers["range"],
      keys,
      status: undefined,
    };
    this.log.push(found);
    return found;
  }

  #perform(
    route: Route,
    method: string,
    received: Readonly<Record<string, string>>,
    raw: Buffer,
    effect: Effect | undefined,
  ): Reply {
    checkSignature({ method, path: route.path, query: route.query, headers: received }, this.region, this.credentials);
    if (route.operation === "CreateBucket") return this.#createBucket(route.bucket);
    const bucket = this.#find(route.bucket);
    const operation = OPERATIONS[route.operation];
    if (operation === undefined) throw new Error(`no operation ${route.operation}`);
    if (bucket.virtual !== undefined && !/^Head|^Get|^List(?!ObjectVersions)/.test(route.operation)) {
      throw notImplemented(`${route.operation} on a virtual bucket`);
    }
    const { body, headers } = contentOf(raw, received);
    const findBucket = (name: string): Bucket => this.#find(name);
    const effectOnKey = (key: string): Effect | undefined =>
      this.faults.ofKey({ operation: route.operation, bucket: bucket.name, key });
    return operation({ bucket, key: route.key, query: route.query, headers, body, findBucket, effect, effectOnKey });
  }

  #createBucket(name: string): Reply {
    if (this.buckets.has(name))
      throw new S3Error(
        409,
        "BucketAlreadyOwnedByYou",
        "Your previous request to create the named bucket succeeded and you already own it.",
      );
    this.buckets.set(name, new Bucket(name, this.region ?? "us-east-1"));
    return { status: 200, headers: { location: `/${name}` } };
  }

  #find(name: string): Bucket {
    const bucket = this.buckets.get(name);
    if (bucket === undefined) throw noSuchBucket(name);
    if (this.region === undefined || bucket.region === this.region) return bucket;
    const endpoint = `s3.${bucket.region}.amazonaws.com`;
    const why =
      "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.";
    throw new S3Error(
      301,
      "PermanentRedirect",
      why,
      { Endpoint: endpoint, Bucket: name },
      { "x-amz-bucket-region": bucket.region },
    );
  }
}

function attempt<T>(work: () => T): T | S3Error {
  try {
    return work();
  } catch (error) {
    if (error instanceof S3Error) return error;
    throw error;
  }
}

function flat({ headers }: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(",") : (value ?? "")]),
  );
}

function send(response: ServerResponse, method: string, { status, headers = {}, body = "" }: Reply): void {
  const content = typeof body === "string" ? Buffer.from(body) : body;
  const length = status === 204 || status === 304 ? {} : { "content-length": content.length };
  response.writeHead(status, {
    "x-amz-request-id": nextId(),
    "x-amz-id-2": "test",
    server: "regcheck-test",
    ...headers,
    ...length,
  });
  response.end(method === "HEAD" ? undefined : content);
}

function sendHalf(response: ServerResponse, { status, headers = {}, body = "" }: Reply, bytes: number | undefined): void {
  const content = Buffer.from(body);
  response.writeHead(status, { ...headers, "content-length": content.length });
  response.write(content.subarray(0, bytes ?? Math.floor(content.length / 2)), () => response.destroy());
}

function reset(response: ServerResponse): void {
  response.socket?.resetAndDestroy();
}
