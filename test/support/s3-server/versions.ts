import type { Call } from "./call.js";
import { lowerBound, toBytes } from "./keys.js";
import { encodingTypeOf, limitOf } from "./listing.js";
import type { Reply } from "./reply.js";
import { S3Error, invalidArgument, notImplemented, xmlReply } from "./reply.js";
import type { Bucket, Version } from "./store.js";
import { document, element, keyEncoder, textsOf } from "./xml.js";

/** ListObjectVersions: by key, the newest version first; delete markers among them. */
export function listObjectVersions({ bucket, query }: Call): Reply {
  if (query.has("delimiter")) throw notImplemented("a delimiter in ListObjectVersions");
  const encodingType = encodingTypeOf(query);
  const encode = keyEncoder(encodingType);
  const prefix = toBytes(query.get("prefix") ?? "");
  const keyMarker = toBytes(query.get("key-marker") ?? "");
  const idMarker = query.get("version-id-marker");
  if (idMarker !== null && keyMarker === "")
    throw invalidArgument("A version-id marker cannot be specified without a key marker.");
  const maxKeys = limitOf(query, "max-keys");

  const page: Version[] = [];
  let isTruncated = false;
  for (const version of versionsAfter(bucket, prefix, keyMarker, idMarker)) {
    isTruncated = page.length === maxKeys;
    if (isTruncated) break;
    page.push(version);
  }
  const last = page.at(-1);
  return xmlReply(
    document(
      "ListVersionsResult",
      [
        element("Name", bucket.name),
        element("Prefix", encode(prefix)),
        element("KeyMarker", encode(keyMarker)),
        element("VersionIdMarker", idMarker ?? ""),
        isTruncated && last !== undefined
          ? element("NextKeyMarker", encode(last.key)) + element("NextVersionIdMarker", last.id)
          : "",
        element("MaxKeys", maxKeys),
        element("EncodingType", encodingType ?? undefined),
        element("IsTruncated", isTruncated && maxKeys > 0),
        ...page.map((version) => versionXml(version, encode(version.key), bucket.versionsOf(version.key)[0] === version)),
      ].join(""),
    ),
  );
}

function* versionsAfter(bucket: Bucket, prefix: string, keyMarker: string, idMarker: string | null): Generator<Version> {
  const keys = bucket.allKeys();
  const start = Math.max(lowerBound(keys, keyMarker, idMarker !== null), lowerBound(keys, prefix, true));
  for (let index = start; index < keys.length; index += 1) {
    const key = keys[index] ?? "";
    if (!key.startsWith(prefix)) return;
    const versions = bucket.versionsOf(key);
    const skipped = key === keyMarker ? versions.findIndex((version) => version.id === idMarker) + 1 : 0;
    yield* versions.slice(skipped);
  }
}

function versionXml(version: Version, key: string, isLatest: boolean): string {
  const head = element("Key", key) + element("VersionId", version.id) + element("IsLatest", isLatest);
  const modified = element("LastModified", version.modified.toISOString());
  if (version.isMarker) return element("DeleteMarker", head + modified);
  const etag = element("ETag", `&quot;${version.etag}&quot;`);
  return element(
    "Version",
    head + modified + etag + element("Size", version.content.length) + element("StorageClass", "STANDARD"),
  );
}

/** GetBucketVersioning. */
export function getBucketVersioning({ bucket }: Call): Reply {
  return xmlReply(document("VersioningConfiguration", element("Status", bucket.versioning)));
}

/** PutBucketVersioning. */
export function putBucketVersioning({ bucket, body }: Call): Reply {
  const [status] = textsOf(body.toString(), "Status");
  if (status !== "Enabled" && status !== "Suspended")
    throw new S3Error(400, "MalformedXML", "The XML you provided was not well-formed");
  bucket.versioning = status;
  return { status: 200 };
}

/** GetBucketLocation: empty for us-east-1. */
export function getBucketLocation({ bucket }: Call): Reply {
  return xmlReply(document("LocationConstraint", bucket.region === "us-east-1" ? "" : bucket.region));
}
