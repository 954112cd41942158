import { errorMessage, EXIT_CODES, OperatorError, UsageError } from "../../errors.js";
import { showUrl } from "../../show-url.js";
import type { StorageFault } from "../listing.js";

/** What the SDK throws, as far as it matters. */
interface Failure {
  readonly name: string;
  readonly message: string;
  readonly status: number | undefined;
  /** Of the system: ECONNREFUSED. */
  readonly code: string | undefined;
  /** Of the bucket, where the server names it. */
  readonly region: string | undefined;
  /** What the request needs, in the words of a policy. */
  readonly action: string | undefined;
}

/** Whether the server says that there is no such object. A missing bucket is something else, and so is a refusal. */
export function isNoSuchObject(error: unknown): boolean {
  const { name, status } = failureOf(error);
  return name === "NoSuchKey" || (name === "NotFound" && status === 404);
}

/** The server's or the SDK's name for the error. */
export function nameOf(error: unknown): string {
  return failureOf(error).name;
}

/** Whether a conditional request found another object than the one that it was to find, or one where there was to be none. */
export function isPreconditionFailed(error: unknown): boolean {
  const { name, status } = failureOf(error);
  return status === 412 || name === "PreconditionFailed";
}

/** Whether a conditional request was refused for another one that is under way: what comes of that one is open. */
export function isConflict(error: unknown): boolean {
  const { name, status } = failureOf(error);
  return status === 409 || name === "ConditionalRequestConflict";
}

/** Whether the server does not have the operation at all. */
export function isNotImplemented(error: unknown): boolean {
  const { name, status } = failureOf(error);
  return status === 501 || status === 405 || name === "NotImplemented";
}

/** The cause of a failed request in a few words: for a fault, which carries the path by itself. Never a secret. */
export function causeOf(error: unknown): string {
  const { name, message, status, code, action } = failureOf(error);
  if (isDenied(name) && action !== undefined) return lacking(name, action);
  if (code !== undefined && MEANINGS[code] === undefined) return `${code}: ${firstLine(message)}`;
  const meant = code ?? name;
  const meaning = MEANINGS[meant];
  if (meaning !== undefined) return `${meant}: ${meaning}`;
  if (name === "DamagedPage" || name === "ShortBody" || name === "ServerGone" || name === "Error") return firstLine(message);
  if (name === `HTTP ${status}`) return name;
  // Not the server's whole message: that of a signature's mismatch has the string that was signed.
  return status === undefined ? `${name}: ${firstLine(message)}` : `${name} (HTTP ${status}): ${firstLine(message)}`;
}

/** Whether the server's name for an error means that a policy denies it. */
export function isDenied(name: string): boolean {
  return name === "AccessDenied" || name === "Forbidden";
}

/** What an operator is told of what a policy denies. */
export function lacking(name: string, action: string): string {
  return `${name}: access denied, these credentials need ${action}`;
}

const MEANINGS: Readonly<Record<string, string>> = {
  AccessDenied: "access denied",
  Forbidden: "access denied",
  InvalidObjectState: "it is in an archive storage class, and is to be restored before it can be read",
  SlowDown: "the server kept on asking to slow down; a lower --concurrency may help",
  TimeoutError: "no answer in time",
  // The SDK's own text names its module.
  ETIMEDOUT: "no answer in time",
};

/** What an operator can do about a bucket that cannot be read at all: one line, exit 2 where the naming or the credentials are at fault. */
export function openError(error: unknown, location: string, endpoint: string | undefined): OperatorError {
  if (error instanceof OperatorError) return error;
  const failure = failureOf(error);
  const at = endpoint === undefined ? "" : ` at ${showUrl(endpoint)}`;
  const advice = adviceOf(failure);
  if (advice !== undefined) return new UsageError(`${location}: ${advice}${at === "" ? "" : ` (asked${at})`}`, { cause: error });
  return new OperatorError(`${location}: cannot be reached${at}: ${causeOf(error)}`, EXIT_CODES.incomplete, { cause: error });
}

function adviceOf({ name, status, region, message, action }: Failure): string | undefined {
  if (name === "NoSuchBucket" || name === "NotFound") return "there is no such bucket";
  if (name === "InvalidBucketName") return "S3 does not take this name for a bucket";
  if (WRONG_REGION.has(name) || status === 301)
    return `the bucket is in another region: ${region === undefined ? "name it with --region" : `use --region ${region}`}`;
  if (name === "InvalidAccessKeyId") return "the server does not know this access key; check the credentials";
  if (name === "SignatureDoesNotMatch") return "the secret key does not belong to the access key; check the credentials";
  if (name === "RequestTimeTooSkewed") return "the clock of this machine differs from the server's by too much";
  if (/^(?:ExpiredToken|InvalidToken|TokenRefreshRequired)/.test(name)) return "the credentials have expired or are invalid";
  if (/CredentialsProviderError|CredentialsError/.test(name))
    return "there are no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or accesskey and secretkey in the config";
  if (status === 403 || status === 401) return refusalOf(name, action);
  if (/region is missing/i.test(message)) return "no region is known: give --region, or set AWS_REGION";
  return undefined;
}

/** Who may not list a bucket has not got to its objects yet: both are named. */
function refusalOf(name: string, action: string | undefined): string {
  return isDenied(name) && action !== undefined && action !== "s3:ListBucket"
    ? lacking(name, action)
    : "access denied: reading needs s3:ListBucket on the bucket and s3:GetObject on its objects";
}

const WRONG_REGION = new Set([
  "PermanentRedirect",
  "AuthorizationHeaderMalformed",
  "IllegalLocationConstraintException",
  "TemporaryRedirect",
]);

function failureOf(error: unknown): Failure {
  if (!(error instanceof Error))
    return {
      name: "Error",
      message: errorMessage(error),
      status: undefined,
      code: undefined,
      region: undefined,
      action: undefined,
    };
  const metadata: unknown = "$metadata" in error ? error.$metadata : undefined;
  const status = numberOf(metadata, "httpStatusCode");
  return {
    name: nameFor(error, status),
    message: error.message === "" && error instanceof AggregateError ? errorMessage(error.errors[0]) : error.message,
    status,
    code: systemCode(error),
    region: stringOf(error, "Region") ?? headerOf(error, "x-amz-bucket-region"),
    // AWS says which: it may be the key's, kms:Decrypt.
    action: /not authorized to perform: ([\w-]+:\w+)/.exec(error.message)?.[1] ?? stringOf(error, "action"),
  };
}

/** An answer without a body has no name for the error: that to a HEAD, and what a proxy says in the server's place. */
function nameFor(error: Error, status: number | undefined): string {
  if (error.name === "Error") return stringOf(error, "Code") ?? error.name;
  if (error.name !== "Unknown" || status === undefined) return error.name;
  return status === 403 ? "Forbidden" : `HTTP ${status}`;
}

/** Node's code of a failed connection; the SDK's own codes are names as well. */
function systemCode(error: Error): string | undefined {
  const code = stringOf(error, "code");
  return code !== undefined && /^E[A-Z]+$|^(?:CERT|UNABLE|DEPTH|SELF|ERR)_/.test(code) ? code : undefined;
}

function headerOf(error: Error, header: string): string | undefined {
  const response: unknown = "$response" in error ? error.$response : undefined;
  return typeof response === "object" && response !== null && "headers" in response
    ? stringOf(response.headers, header)
    : undefined;
}

function stringOf(value: unknown, key: string): string | undefined {
  const found: unknown = typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
  return typeof found === "string" && found !== "" ? found : undefined;
}

function numberOf(value: unknown, key: string): number | undefined {
  const found: unknown = typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
  return typeof found === "number" ? found : undefined;
}

function firstLine(text: string): string {
  return (text.split("\n")[0] ?? "").slice(0, 200);
}

/** The fault of a listing that broke off: all that lies behind the last key is unknown. */
export function listingFault(path: string, after: string, error: unknown): StorageFault {
  const where = after === "" || after === `${path}/` ? "" : ` after ${after}`;
  return { path, cause: `the listing broke off${where}: ${causeOf(error)}` };
}
