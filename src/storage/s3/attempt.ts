import { Readable } from "node:stream";
import type { DeserializeMiddleware, MiddlewareStack } from "@smithy/types";

/** What is to be known of each attempt at a request. */
export interface AttemptObserver {
  readonly onAttempt: () => void;
  /** The server asks to slow down. */
  readonly onThrottled: () => void;
  /**
   * Takes the body of a success away from the SDK, within an attempt: a connection that breaks while the body is read, or a body for
   * which this throws a `$retryable` error, is another attempt. The SDK sees what it returns, or an empty body.
   */
  readonly onBody?: (body: Buffer) => Buffer | undefined;
  /** Bytes of the body to read; the rest is left. All of it if undefined. */
  readonly mostBytes?: number;
}

/** A command of the SDK, which has a stack of its own. */
export interface Observable<Input extends object, Output extends object> {
  readonly middlewareStack: MiddlewareStack<Input, Output>;
}

const THROTTLED = new Set([429, 503]);

/** An empty listing: costs the SDK nothing to parse. */
const EMPTY_XML = Buffer.from("<ListBucketResult/>");

/** Puts the observer where each attempt of a command passes: between the SDK's deserialiser and the connection. */
export function observe<Input extends object, Output extends object>(
  command: Observable<Input, Output>,
  observer: AttemptObserver,
): void {
  const middleware: DeserializeMiddleware<Input, Output> = (next, context) => async (args) => {
    observer.onAttempt();
    const result = await next(args);
    const { response } = result;
    if (!isHttpResponse(response)) return result;
    if (THROTTLED.has(response.statusCode)) observer.onThrottled();
    if (observer.onBody === undefined || response.statusCode >= 300) return result;
    const body = await collect(response.body, response.headers["content-length"], observer.mostBytes);
    const rest = observer.onBody(body);
    response.body = rest ?? (context.commandName === "GetObjectCommand" ? Readable.from([]) : EMPTY_XML);
    return result;
  };
  command.middlewareStack.addRelativeTo(middleware, {
    name: "observeAttempt",
    relation: "after",
    toMiddleware: "deserializerMiddleware",
    override: true,
  });
}

interface HttpResponse {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  body: unknown;
}

function isHttpResponse(value: unknown): value is HttpResponse {
  return typeof value === "object" && value !== null && "statusCode" in value && "headers" in value && "body" in value;
}

/** A body that ended before its time; worth another attempt. */
class ShortBody extends Error {
  override readonly name = "ShortBody";
  readonly $retryable = {};
}

async function collect(stream: unknown, contentLength: string | undefined, most = Number.POSITIVE_INFINITY): Promise<Buffer> {
  if (!(stream instanceof Readable)) throw new TypeError("a body that is no stream");
  const { promise, resolve, reject } = deferred<Buffer>();
  const chunks: Buffer[] = [];
  let length = 0;
  stream.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    length += chunk.length;
    if (length < most) return;
    resolve(Buffer.concat(chunks).subarray(0, most));
    // The connection cannot be used again, which is cheaper than reading a layer of some gigabytes to its end.
    stream.destroy();
  });
  stream.on("end", () => {
    const expected = Number(contentLength ?? length);
    if (length === expected) resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks));
    else reject(new ShortBody(`the body ended after ${length} of ${expected} bytes`));
  });
  stream.on("error", reject);
  stream.on("aborted", () => reject(new ShortBody(`the connection was closed after ${length} bytes`)));
  return promise;
}

/** `Promise.withResolvers`, which Node 20 lacks. */
function deferred<T>() {
  let resolve: (value: T) => void = () => {};
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}
