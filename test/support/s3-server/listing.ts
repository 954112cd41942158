import type { Call } from "./call.js";
import type { ByteString } from "./keys.js";
import { endOf, fromBytes, lowerBound, toBytes } from "./keys.js";
import type { Reply } from "./reply.js";
import { invalidArgument, notImplemented, xmlReply } from "./reply.js";
import type { Listed, Version } from "./store.js";
import { nextId } from "./store.js";
import type { VirtualObject, VirtualListing } from "./virtual.js";
import { document, element, escapeXml, keyEncoder } from "./xml.js";

const PAGE = 1000;

interface Page {
  readonly contents: string[];
  readonly prefixes: readonly ByteString[];
  readonly keyCount: number;
  /** Where the next page starts, when there is one. */
  readonly next: ByteString | undefined;
}

interface Query {
  readonly prefix: ByteString;
  readonly delimiter: ByteString;
  readonly start: ByteString;
  readonly maxKeys: number;
  readonly encode: (key: ByteString) => string;
  readonly isEncoded: boolean;
}

/** ListObjectsV2. A continuation token wins over start-after, and is opaque and different each time. */
export function listObjectsV2({ bucket, query, effect }: Call): Reply {
  const token = query.get("continuation-token");
  const startAfter = query.get("start-after");
  const encodingType = encodingTypeOf(query);
  const encode = keyEncoder(encodingType);
  const prefix = toBytes(query.get("prefix") ?? "");
  const delimiter = toBytes(query.get("delimiter") ?? "");
  const start = token === null ? toBytes(startAfter ?? "") : positionOf(token);
  const maxKeys = limitOf(query, "max-keys");
  const most = effect?.kind === "short-pages" ? Math.min(effect.keys, maxKeys) : maxKeys;
  const request: Query = { prefix, delimiter, start, maxKeys: most, encode, isEncoded: encodingType !== null };
  const isEmpty = effect?.kind === "empty-first-page" && token === null;
  const page = isEmpty
    ? emptyPage(start)
    : bucket.virtual === undefined
      ? pageOf(bucket.listed(), request)
      : virtualPage(bucket.virtual.list, request);

  let isTruncated = page.next !== undefined;
  let nextToken = page.next === undefined ? undefined : tokenFor(page.next);
  let contents = page.contents;
  if (effect?.kind === "truncated-without-token") [isTruncated, nextToken] = [true, undefined];
  if (effect?.kind === "repeated-token") [isTruncated, nextToken] = [true, token ?? tokenFor(start)];
  if (effect?.kind === "looping-token") [isTruncated, nextToken] = [true, tokenFor("")];
  if (effect?.kind === "unordered") contents = contents.toReversed();

  return xmlReply(
    document(
      "ListBucketResult",
      [
        element("Name", bucket.name),
        element("Prefix", encode(prefix)),
        startAfter === null ? "" : element("StartAfter", encode(toBytes(startAfter))),
        token === null ? "" : element("ContinuationToken", escapeXml(token)),
        element("NextContinuationToken", nextToken),
        element("KeyCount", page.keyCount),
        element("MaxKeys", maxKeys),
        delimiter === "" ? "" : element("Delimiter", encode(delimiter)),
        element("EncodingType", encodingType ?? undefined),
        element("IsTruncated", isTruncated),
        ...contents,
        ...page.prefixes.map((common) => element("CommonPrefixes", element("Prefix", encode(common)))),
      ].join(""),
    ),
  );
}

function emptyPage(next: ByteString): Page {
  return { contents: [], prefixes: [], keyCount: 0, next };
}

function pageOf({ keys, versions }: Listed, request: Query): Page {
  const { prefix, delimiter, start, maxKeys } = request;
  const contents: string[] = [];
  const prefixes: ByteString[] = [];
  let last = start;
  let index = Math.max(lowerBound(keys, start, false), lowerBound(keys, prefix, true));
  for (let key = keys[index]; key?.startsWith(prefix) === true; key = keys[index]) {
    const cut = delimiter === "" ? -1 : key.indexOf(delimiter, prefix.length);
    const common = cut < 0 ? undefined : key.slice(0, cut + delimiter.length);
    // "CommonPrefixes is filtered out from results if it is not lexicographically greater than the StartAfter value."
    const isSkipped = common !== undefined && common <= start;
    if (!isSkipped && contents.length + prefixes.length === maxKeys) {
      return { contents, prefixes, keyCount: maxKeys, next: maxKeys === 0 ? undefined : last };
    }
    if (common === undefined) {
      const version = versions[index];
      if (version !== undefined) contents.push(versionXml(version, request));
      last = key;
      index += 1;
    } else {
      if (!isSkipped) prefixes.push(common);
      last = endOf(common);
      index = lowerBound(keys, last, false);
    }
  }
  return { contents, prefixes, keyCount: contents.length + prefixes.length, next: undefined };
}

function virtualPage(list: VirtualListing, { prefix, delimiter, start, maxKeys, isEncoded }: Query): Page {
  if (delimiter !== "") throw notImplemented("a delimiter on a virtual bucket");
  const page = list(fromBytes(prefix), fromBytes(start), maxKeys);
  if ("xml" in page) {
    return {
      contents: [page.xml],
      prefixes: [],
      keyCount: page.keyCount,
      next: page.isTruncated ? toBytes(page.lastKey) : undefined,
    };
  }
  const contents = page.objects.map((object) => contentsXml(object, isEncoded ? "url" : null));
  const last = toBytes(page.objects.at(-1)?.key ?? "");
  return { contents, prefixes: [], keyCount: contents.length, next: page.isTruncated ? last : undefined };
}

function versionXml(version: Version, { isEncoded }: Query): string {
  if (!isEncoded && version.contents !== undefined) return version.contents;
  const { etag, modified, content, storageClass } = version;
  const object = { key: fromBytes(version.key), etag, modified, size: content.length, storageClass };
  const xml = contentsXml(object, isEncoded ? "url" : null);
  // Through a Buffer, for a string in one piece: joining a page of these is much faster.
  if (!isEncoded) version.contents = Buffer.from(xml).toString();
  return xml;
}

/** One `<Contents>` element of a listing. */
export function contentsXml(
  { key, size, etag, modified, storageClass = "STANDARD" }: VirtualObject,
  encodingType: "url" | null = null,
): string {
  const name = keyEncoder(encodingType)(toBytes(key));
  return `<Contents><Key>${name}</Key><LastModified>${modified.toISOString()}</LastModified><ETag>&quot;${etag}&quot;</ETag><Size>${size}</Size><StorageClass>${storageClass}</StorageClass></Contents>`;
}

/** The parameter that bounds a page: 1,000 when absent, and never more. */
export function limitOf(query: URLSearchParams, name: string): number {
  const text = query.get(name) ?? String(PAGE);
  if (!/^\d{1,10}$/.test(text)) throw invalidArgument(`Argument ${name} must be an integer between 0 and 2147483647`);
  return Math.min(Number(text), PAGE);
}

/** The `encoding-type` parameter. */
export function encodingTypeOf(query: URLSearchParams): "url" | null {
  const value = query.get("encoding-type");
  if (value !== null && value !== "url") throw invalidArgument("Invalid Encoding Method specified in Request");
  return value;
}

function tokenFor(position: ByteString): string {
  return Buffer.from(`${nextId()}:${position}`, "latin1").toString("base64url");
}

function positionOf(token: string): ByteString {
  const match = /^[0-9a-z]{32}:([^]*)$/.exec(Buffer.from(token, "base64url").toString("latin1"));
  if (match?.[1] === undefined) throw invalidArgument("The continuation token provided is incorrect");
  return match[1];
}
