import { S3Client } from "@aws-sdk/client-s3";
import type { S3ClientConfig } from "@aws-sdk/client-s3";
import type { RetryStrategyV2 } from "@smithy/types";
import { nameActions } from "./actions.js";
import { DEFAULT_RETRIES } from "./options.js";
import type { S3Options } from "./options.js";

/** Requests in flight on S3, where nothing else is said: at 30 ms a request, 2,000 of them a second. */
export const DEFAULT_CONCURRENCY = 64;
/** Milliseconds to connect in. */
const CONNECTION_TIMEOUT = 10_000;
/** What S3-compatible servers are asked in when nobody names a region; they ignore it. */
const ANY_REGION = "us-east-1";

/**
 * Makes the SDK's client, which asks for nothing any more once `closed` aborts. This module loads the SDK: import it only when the storage is
 * a bucket.
 */
export function createClient(options: S3Options, retryStrategy: RetryStrategyV2, closed: AbortSignal): S3Client {
  // The SDK warns on stderr of the Node that it will need in 2027, which an operator's cron would mail every night.
  process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] = "true";
  const retries = options.retries ?? DEFAULT_RETRIES;
  const agent = { keepAlive: true, maxSockets: options.concurrency ?? DEFAULT_CONCURRENCY };
  const region = options.region ?? (options.endpoint === undefined ? undefined : (process.env["AWS_REGION"] ?? ANY_REGION));
  const config: S3ClientConfig = {
    forcePathStyle: options.forcePathStyle,
    useDualstackEndpoint: options.useDualStack,
    useFipsEndpoint: options.useFips,
    useAccelerateEndpoint: options.accelerate,
    // What is read is verified against its digest; many S3-compatible servers know nothing of these checksums.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    retryStrategy,
    requestHandler: {
      connectionTimeout: CONNECTION_TIMEOUT,
      socketTimeout: retries.timeout,
      requestTimeout: retries.timeout,
      throwOnRequestTimeout: true,
      httpAgent: agent,
      httpsAgent: { ...agent, rejectUnauthorized: !options.skipVerify },
    },
  };
  const client = new S3Client({
    ...config,
    ...(region === undefined ? {} : { region }),
    ...(options.endpoint === undefined ? {} : { endpoint: options.endpoint }),
    ...(options.credentials === undefined ? {} : { credentials: options.credentials }),
  });
  nameActions(client);
  refuseClosed(client, closed);
  return client;
}

/** Between an attempt's begin and its request come the credentials, for which the SDK may have to ask somebody. */
function refuseClosed(client: S3Client, closed: AbortSignal): void {
  client.middlewareStack.add(
    (next) => async (args) => {
      closed.throwIfAborted();
      return next(args);
    },
    { step: "deserialize", priority: "low", name: "refuseClosed" },
  );
}
