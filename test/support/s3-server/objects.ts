import { createHash } from "node:crypto";
import type { Call } from "./call.js";
import type { ByteString } from "./keys.js";
import { fromBytes, toBytes } from "./keys.js";
import type { Reply } from "./reply.js";
import { S3Error, invalidArgument, noSuchKey, notImplemented, preconditionFailed, xmlReply } from "./reply.js";
import type { Bucket, LifecycleRule, Version } from "./store.js";
import { etagOf } from "./store.js";
import { document, element } from "./xml.js";

/** GetObject; HeadObject is the same without the body. */
export function getObject(call: Call): Reply {
  const { bucket, key, headers, query } = call;
  if (bucket.virtual !== undefined) return virtualObject(bucket, key);
  const version = readable(bucket, key, query.get("versionId"));
  const common = { ...objectHeaders(version), ...expirationHeader(bucket, version) };
  if (headers["if-match"] !== undefined && !matches(headers["if-match"], version)) throw preconditionFailed("If-Match");
  if (headers["if-none-match"] !== undefined && matches(headers["if-none-match"], version))
    return { status: 304, headers: common };
  if (headers["range"] !== undefined) return rangeOf(version.content, headers["range"], common);
  const checksum = headers["x-amz-checksum-mode"]?.toUpperCase() === "ENABLED" ? checksumHeaders(version) : {};
  return { status: 200, headers: { ...common, ...checksum }, body: version.content };
}

const DAY = 86_400_000;

/** By the rule that comes first. */
function expirationHeader({ lifecycle }: Bucket, { key, modified }: Version): Record<string, string> {
  const dateOf = ({ days }: LifecycleRule): number => (Math.floor(modified.getTime() / DAY) + days + 1) * DAY;
  const [rule] = lifecycle.filter(({ prefix }) => fromBytes(key).startsWith(prefix)).toSorted((a, b) => dateOf(a) - dateOf(b));
  if (rule === undefined) return {};
  const said = `expiry-date="${new Date(dateOf(rule)).toUTCString()}", rule-id="${encodeURIComponent(rule.id)}"`;
  return { "x-amz-expiration": rule.header ?? said };
}

/** A checksum of parts' checksums ends in their number. */
function checksumHeaders({ checksumSha256 }: Version): Record<string, string> {
  if (checksumSha256 === undefined) return {};
  const type = checksumSha256.includes("-") ? "COMPOSITE" : "FULL_OBJECT";
  return { "x-amz-checksum-sha256": checksumSha256, "x-amz-checksum-type": type };
}

/** PutObject, with `If-None-Match: *` (creates only) and `If-Match` (replaces only). */
export function putObject({ bucket, key, headers, body }: Call): Reply {
  checkDestination(bucket, key, headers);
  const metadata = metadataOf(headers);
  const version = bucket.put(key, {
    content: body,
    etag: etagOf(body, "md5"),
    modified: bucket.now(),
    checksumSha256: headers["x-amz-checksum-sha256"],
    contentType: headers["content-type"],
    metadata,
  });
  return { status: 200, headers: { etag: `"${version.etag}"`, ...versionHeader(bucket, version) } };
}

/** CopyObject: the copy is of now, its ETag is an MD5 whatever the source's was, and a checksum is one of the whole. */
export function copyObject(call: Call): Reply {
  const { bucket, key, headers } = call;
  const [path = "", versionId] = (headers["x-amz-copy-source"] ?? "").split("?versionId=");
  const match = /^\/?([^/]+)\/([^]+)$/.exec(decodeURIComponent(path));
  if (match?.[1] === undefined || match[2] === undefined) throw invalidArgument("Invalid copy source object key");
  const from = call.findBucket(match[1]);
  const fromKey = toBytes(match[2]);
  const source = readable(from, fromKey, versionId ?? null);
  const expected = headers["x-amz-copy-source-if-match"];
  if (expected !== undefined && !matches(expected, source)) throw preconditionFailed("x-amz-copy-source-If-Match");
  checkDestination(bucket, key, headers);
  const replaces = headers["x-amz-metadata-directive"] === "REPLACE";
  if (from === bucket && fromKey === key && versionId === undefined && !replaces) {
    const why =
      "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.";
    throw new S3Error(400, "InvalidRequest", why);
  }
  const { content } = source;
  const checksumSha256 = source.checksumSha256 && createHash("sha256").update(content).digest("base64");
  const contentType = replaces ? headers["content-type"] : source.contentType;
  const metadata = replaces ? metadataOf(headers) : source.metadata;
  const copy = bucket.put(key, {
    content,
    etag: etagOf(content, "md5"),
    modified: bucket.now(),
    checksumSha256,
    contentType,
    metadata,
  });
  const result = element("LastModified", copy.modified.toISOString()) + element("ETag", `&quot;${copy.etag}&quot;`);
  const sourceVersion: Record<string, string> = source.id === "null" ? {} : { "x-amz-copy-source-version-id": source.id };
  return xmlReply(document("CopyObjectResult", result), { ...sourceVersion, ...versionHeader(bucket, copy) });
}

function checkDestination(bucket: Bucket, key: ByteString, headers: Call["headers"]): void {
  const current = bucket.current(key);
  const ifNoneMatch = headers["if-none-match"];
  const ifMatch = headers["if-match"];
  if (ifNoneMatch !== undefined && ifNoneMatch !== "*") throw notImplemented("If-None-Match of a write with anything but *");
  const isTaken = bucket.takesMarkersForObjects ? bucket.versionsOf(key).length > 0 : current !== undefined;
  if (ifNoneMatch !== undefined && isTaken) throw preconditionFailed("If-None-Match");
  if (ifMatch === undefined) return;
  if (current === undefined) throw noSuchKey(fromBytes(key));
  if (!matches(ifMatch, current)) throw preconditionFailed("If-Match");
}

function readable(bucket: Bucket, key: ByteString, versionId: string | null): Version {
  if (versionId !== null) {
    const version = bucket.versionsOf(key).find(({ id }) => id === versionId);
    if (version === undefined)
      throw new S3Error(404, "NoSuchVersion", "The specified version does not exist.", { Key: fromBytes(key) });
    if (!version.isMarker) return version;
    const marker = { "x-amz-delete-marker": "true", "x-amz-version-id": version.id, allow: "DELETE" };
    throw new S3Error(405, "MethodNotAllowed", "The specified method is not allowed against this resource.", {}, marker);
  }
  const current = bucket.current(key);
  if (current !== undefined) return current;
  const newest = bucket.versionsOf(key)[0];
  throw noSuchKey(fromBytes(key), newest === undefined ? {} : { "x-amz-delete-marker": "true", "x-amz-version-id": newest.id });
}

function objectHeaders(version: Version): Record<string, string> {
  const metadata = Object.fromEntries(Object.entries(version.metadata).map(([name, value]) => [`x-amz-meta-${name}`, value]));
  return {
    "accept-ranges": "bytes",
    etag: `"${version.etag}"`,
    "last-modified": version.modified.toUTCString(),
    "content-type": version.contentType ?? "binary/octet-stream",
    ...metadata,
    ...(version.id === "null" ? {} : { "x-amz-version-id": version.id }),
  };
}

function virtualObject(bucket: Bucket, key: ByteString): Reply {
  const content = bucket.virtual?.read(fromBytes(key));
  if (content === undefined) throw noSuchKey(fromBytes(key));
  return { status: 200, headers: { etag: `"${etagOf(content, "md5")}"`, "content-type": "binary/octet-stream" }, body: content };
}

function rangeOf(content: Buffer, header: string, headers: Record<string, string>): Reply {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header);
  if (match === null) return { status: 200, headers, body: content };
  const [, first = "", last = ""] = match;
  const start = first === "" ? Math.max(content.length - Number(last), 0) : Number(first);
  const end = first === "" || last === "" ? content.length - 1 : Math.min(Number(last), content.length - 1);
  if (start > end || start >= content.length) throw new S3Error(416, "InvalidRange", "The requested range is not satisfiable");
  const range = { "content-range": `bytes ${start}-${end}/${content.length}` };
  return { status: 206, headers: { ...headers, ...range }, body: content.subarray(start, end + 1) };
}

function metadataOf(headers: Call["headers"]): Record<string, string> {
  const own = Object.entries(headers).filter(([name]) => name.startsWith("x-amz-meta-"));
  return Object.fromEntries(own.map(([name, value]) => [name.slice("x-amz-meta-".length), value]));
}

/** Whether an `If-Match` or `If-None-Match` is met. */
export function matches(header: string, { etag }: Version): boolean {
  return header === "*" || header.split(",").some((part) => part.trim().replaceAll('"', "") === etag);
}

function versionHeader(bucket: Bucket, { id }: Version): Record<string, string> {
  return bucket.versioning === undefined ? {} : { "x-amz-version-id": id };
}
