import { UsageError } from "../../errors.js";
import { trimSlashes } from "../../registry/s3-parameters.js";
import { showUrl } from "../../show-url.js";
import type { S3Parameters } from "../../registry/s3-parameters.js";

/** What an operator can say of a bucket on the command line; it wins over the registry's config. */
export interface S3Overrides {
  readonly endpoint?: string | undefined;
  readonly region?: string | undefined;
  readonly forcePathStyle?: boolean | undefined;
}

/** How a storage in a bucket is read. */
export interface S3Options extends S3Parameters {
  /** Requests in flight at most. */
  readonly concurrency?: number | undefined;
  /** Read every link, instead of comparing its ETag with the MD5 of what it should hold. */
  readonly readLinks?: boolean | undefined;
  /** Directory in which parsed manifests are kept between runs. */
  readonly cache?: string | undefined;
  /** Bytes that it may have; undefined where it may grow as it must. */
  readonly cacheBytes?: number | undefined;
  /** Hears of what went wrong without harm to the check. */
  readonly onWarning?: ((text: string) => void) | undefined;
  readonly retries?: RetryOptions | undefined;
}

/** How often and how patiently a request is repeated. */
export interface RetryOptions {
  /** Attempts in all. */
  readonly attempts: number;
  /** Milliseconds before the second attempt, doubled for each one after it, and cut by a random factor. */
  readonly delay: number;
  /** Milliseconds without a byte after which an attempt has failed. */
  readonly timeout: number;
  /** Milliseconds from the first attempt on after which no other one is worth making: one that would end later is not begun. */
  readonly patience: number;
}

/** Milliseconds after which a server that fails or hangs is given up, where nothing else is said. */
const DEFAULT_PATIENCE = 60_000;

/**
 * Six attempts take some ten seconds: a throttling or failing-over server has time to recover, and a dead one is told apart from it. One
 * that hangs gets two attempts in the time that it has, and some of it stays for the start of the program: a large bucket on Ceph may take
 * nearly half a minute for a page.
 */
export function retriesFor(patience = DEFAULT_PATIENCE): RetryOptions {
  return { attempts: 6, delay: 200, timeout: Math.max(1, Math.floor(patience * 0.45)), patience };
}

export const DEFAULT_RETRIES: RetryOptions = retriesFor();

/** For people: `s3://bucket/rootdirectory`. */
export function locationOf({ bucket, rootDirectory }: S3Parameters): string {
  return rootDirectory === "" ? `s3://${bucket}` : `s3://${bucket}/${rootDirectory}`;
}

/** Host and port of the server that has the bucket, whichever way its URL is spelled; undefined for AWS. */
export function serverOf({ endpoint }: S3Parameters): string | undefined {
  return endpoint === undefined ? undefined : new URL(endpoint).host;
}

/** Whether it is a bucket of AWS, whose own endpoints may be named as well. */
export function isOfAws({ endpoint }: S3Parameters): boolean {
  return endpoint === undefined || /\.amazonaws\.com(\.cn)?$/.test(new URL(endpoint).hostname);
}

/** What comes before the paths in a key: "", or the root directory and a slash. */
export function rootPrefixOf({ rootDirectory }: S3Parameters): string {
  return rootDirectory === "" ? "" : `${rootDirectory}/`;
}

/** Parses `s3://bucket[/rootdirectory]`, as it is written: see `findRootInBucket`. Throws a `UsageError`. */
export function parseS3Url(url: string): S3Parameters {
  const match = /^s3:\/\/([^/?#@:]+)(\/[^?#]*)?$/i.exec(url);
  const bucket = match?.[1];
  if (bucket === undefined)
    throw new UsageError(
      `${JSON.stringify(showUrl(url))}: expected s3://bucket or s3://bucket/rootdirectory, without credentials or query`,
    );
  return {
    bucket,
    rootDirectory: trimSlashes(match?.[2] ?? ""),
    region: undefined,
    endpoint: undefined,
    forcePathStyle: false,
    credentials: undefined,
    skipVerify: false,
    useDualStack: false,
    useFips: false,
    accelerate: false,
  };
}

/** Puts what the operator said over what the registry's config says. An endpoint given by hand implies path style, as the registry's does. */
export function withOverrides(parameters: S3Parameters, overrides: S3Overrides): S3Parameters {
  const [source, endpoint] = endpointOf(parameters, overrides);
  if (endpoint !== undefined && !isHttpUrl(endpoint))
    throw new UsageError(`${source} ${JSON.stringify(showUrl(endpoint))}: expected a URL such as https://minio.example.com:9000`);
  return {
    ...parameters,
    endpoint,
    region: overrides.region ?? parameters.region,
    forcePathStyle:
      overrides.forcePathStyle ?? (parameters.endpoint === undefined ? endpoint !== undefined : parameters.forcePathStyle),
  };
}

/** The endpoint, and who names it. */
function endpointOf(parameters: S3Parameters, overrides: S3Overrides): readonly [string, string | undefined] {
  if (overrides.endpoint !== undefined) return ["--endpoint", overrides.endpoint];
  if (parameters.endpoint !== undefined) return ["regionendpoint in the config", parameters.endpoint];
  const variable = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"].find((name) => (process.env[name] ?? "") !== "");
  return variable === undefined ? ["", undefined] : [variable, process.env[variable]];
}

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}
