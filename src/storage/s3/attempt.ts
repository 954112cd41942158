import { Readable } from "node:stream";
import type { DeserializeMiddleware, MiddlewareStack } from "@smithy/types";

/** What is to be known of each attempt at a request. */
export interface AttemptObserver {
  readonly onAttempt: () => void;
  /** Gets to see the request as the SDK has sent it, once there is an answer. */
  readonly onRequest?: (request: unknown) => void;
  /** The server asks to slow down. */
  readonly onThrottled: () => void;
  /**
   * Reads the body of a success in place of the SDK, within an attempt: a connection that breaks while the body is read, or a
   * `$retryable` error that this throws, is another attempt. The SDK sees what it returns, or an empty body. `bytes` is the length
   * that the server announced.
   */
  readonly readBody?: (body: Readable, bytes: number | undefined, headers: HttpResponse["headers"]) => Promise<Buffer | void>;
}

/** A command of the SDK, which has a stack of its own. */
export interface Observable<Input extends object, Output extends object> {
  readonly middlewareStack: MiddlewareStack<Input, Output>;
}

const THROTTLED = new Set([429, 503]);

/** Whether an answer of this status asks to slow down. */
export function isThrottledStatus(status: number): boolean {
  return THROTTLED.has(status);
}

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
    observer.onRequest?.(args.request);
    if (isThrottledStatus(response.statusCode)) observer.onThrottled();
    if (observer.readBody === undefined || response.statusCode >= 300) return result;
    if (!(response.body instanceof Readable)) throw new TypeError("a body that is no stream");
    const length = response.headers["content-length"];
    const rest = await observer.readBody(response.body, length === undefined ? undefined : Number(length), response.headers);
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

/** An answer as the SDK's connections return it. */
export interface HttpResponse {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  body: unknown;
}

/** Whether it is what the SDK's connections return. */
export function isHttpResponse(value: unknown): value is HttpResponse {
  return typeof value === "object" && value !== null && "statusCode" in value && "headers" in value && "body" in value;
}
