import { errorDocument } from "./xml.js";

/** What the server sends back. */
export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/** An error as S3 reports it: a status, a code and an XML document. */
export class S3Error extends Error {
  override readonly name = "S3Error";

  constructor(
    readonly status: number,
    readonly code: string,
    message: string = code,
    readonly extra: Readonly<Record<string, string>> = {},
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }

  /** The reply that carries it. */
  reply(): Reply {
    const headers = { "content-type": "application/xml", ...this.headers };
    return { status: this.status, headers, body: errorDocument(this.code, this.message, this.extra) };
  }
}

/** A successful XML reply. */
export function xmlReply(body: string, headers: Readonly<Record<string, string>> = {}): Reply {
  return { status: 200, headers: { "content-type": "application/xml", ...headers }, body };
}

/** What this server does not do is refused loudly, so that no test passes by accident. */
export function notImplemented(what: string): S3Error {
  return new S3Error(501, "NotImplemented", `the test server does not implement ${what}`);
}

export const noSuchKey = (key: string, headers: Readonly<Record<string, string>> = {}): S3Error =>
  new S3Error(404, "NoSuchKey", "The specified key does not exist.", { Key: key }, headers);

export const noSuchBucket = (bucket: string): S3Error =>
  new S3Error(404, "NoSuchBucket", "The specified bucket does not exist", { BucketName: bucket });

export const preconditionFailed = (condition: string): S3Error =>
  new S3Error(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold", {
    Condition: condition,
  });

export const invalidArgument = (message: string): S3Error => new S3Error(400, "InvalidArgument", message);
