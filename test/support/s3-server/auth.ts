import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { S3Error } from "./reply.js";

/** Who may talk to the server. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** What a signature is computed over. */
export interface SignedRequest {
  readonly method: string;
  /** As sent: S3 does not encode the path twice. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string>>;
}

const FORM =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/;

/** Refuses what is not signed (AWS Signature V4) with these credentials, or for another region. */
export function checkSignature(request: SignedRequest, region: string | undefined, credentials: Credentials | undefined): void {
  const header = request.headers["authorization"];
  if (header === undefined) {
    if (credentials === undefined) return;
    throw new S3Error(403, "AccessDenied", "Access Denied");
  }
  const match = FORM.exec(header);
  if (match === null) throw new S3Error(400, "AuthorizationHeaderMalformed", "The authorization header you provided is invalid.");
  const [, accessKeyId = "", date = "", signedRegion = "", signedHeaders = "", signature = ""] = match;
  if (credentials !== undefined && accessKeyId !== credentials.accessKeyId) {
    const why = "The AWS Access Key Id you provided does not exist in our records.";
    throw new S3Error(403, "InvalidAccessKeyId", why, { AWSAccessKeyId: accessKeyId });
  }
  if (region !== undefined && signedRegion !== region) {
    const why = `The authorization header is malformed; the region '${signedRegion}' is wrong; expecting '${region}'`;
    throw new S3Error(400, "AuthorizationHeaderMalformed", why, { Region: region }, { "x-amz-bucket-region": region });
  }
  if (credentials === undefined) return;
  const scope = `${date}/${signedRegion}/s3/aws4_request`;
  const toSign = ["AWS4-HMAC-SHA256", request.headers["x-amz-date"] ?? "", scope, sha256(canonical(request, signedHeaders))].join(
    "\n",
  );
  const key = [date, signedRegion, "s3", "aws4_request"].reduce<string | Buffer>(hmac, `AWS4${credentials.secretAccessKey}`);
  if (timingSafeEqual(hmac(key, toSign), Buffer.from(signature, "hex"))) return;
  const why = "The request signature we calculated does not match the signature you provided. Check your key and signing method.";
  throw new S3Error(403, "SignatureDoesNotMatch", why);
}

function canonical({ method, path, query, headers }: SignedRequest, signedHeaders: string): string {
  const parameters = [...query].map(([name, value]) => `${encode(name)}=${encode(value)}`).sort();
  const lines = signedHeaders.split(";").map((name) => `${name}:${(headers[name] ?? "").trim().replace(/\s+/g, " ")}\n`);
  return [method, path, parameters.join("&"), lines.join(""), signedHeaders, headers["x-amz-content-sha256"] ?? ""].join("\n");
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const hmac = (key: string | Buffer, text: string): Buffer => createHmac("sha256", key).update(text).digest();
