import type { Call } from "./call.js";
import type { ByteString } from "./keys.js";
import { fromBytes, toBytes } from "./keys.js";
import { matches } from "./objects.js";
import type { Reply } from "./reply.js";
import { S3Error, noSuchKey, preconditionFailed, xmlReply } from "./reply.js";
import type { Bucket } from "./store.js";
import { document, element, escapeXml, textsOf, unescapeXml } from "./xml.js";

const LIMIT = 1000;

interface Deleted {
  /** A delete marker was made or removed. */
  readonly isMarker: boolean;
  readonly versionId: string | undefined;
}

/** DeleteObject: a key that is not there is no error, unless `If-Match` says what is to be there. */
export function deleteObject({ bucket, key, query, headers }: Call): Reply {
  const ifMatch = headers["if-match"];
  if (ifMatch !== undefined) {
    const current = bucket.current(key);
    if (current === undefined) throw noSuchKey(fromBytes(key));
    if (!matches(ifMatch, current)) throw preconditionFailed("If-Match");
  }
  const { isMarker, versionId } = deleteOne(bucket, key, query.get("versionId") ?? undefined);
  const marker: Record<string, string> = isMarker ? { "x-amz-delete-marker": "true" } : {};
  const version: Record<string, string> = versionId === undefined ? {} : { "x-amz-version-id": versionId };
  return { status: 204, headers: { ...marker, ...version } };
}

/** DeleteObjects: up to 1,000 keys; what fails is told key by key, in a reply whose status is 200. */
export function deleteObjects({ bucket, body, headers, effectOnKey }: Call): Reply {
  const hasChecksum = Object.keys(headers).some((name) => name === "content-md5" || name.startsWith("x-amz-checksum-"));
  if (!hasChecksum && headers["x-amz-trailer"] === undefined) {
    throw new S3Error(400, "InvalidRequest", "Missing required header for this request: Content-MD5 OR x-amz-checksum-*");
  }
  const xml = body.toString();
  const objects = textsOf(xml, "Object");
  const isQuiet = textsOf(xml, "Quiet")[0] === "true";
  if (objects.length === 0 || objects.length > LIMIT) {
    throw new S3Error(
      400,
      "MalformedXML",
      "The XML you provided was not well-formed or did not validate against our published schema",
    );
  }
  const results = objects.map((object) => {
    const key = unescapeXml(textsOf(object, "Key")[0] ?? "");
    const versionId = textsOf(object, "VersionId")[0];
    const named = element("Key", escapeXml(key)) + element("VersionId", versionId);
    const effect = effectOnKey(key);
    if (effect?.kind === "error") {
      return element(
        "Error",
        named + element("Code", effect.code) + element("Message", escapeXml(effect.message ?? effect.code)),
      );
    }
    const deleted = deleteOne(bucket, toBytes(key), versionId);
    if (isQuiet) return "";
    const marker = deleted.isMarker ? element("DeleteMarker", true) + element("DeleteMarkerVersionId", deleted.versionId) : "";
    return element("Deleted", named + marker);
  });
  return xmlReply(document("DeleteResult", results.join("")));
}

function deleteOne(bucket: Bucket, key: ByteString, versionId: string | undefined): Deleted {
  if (versionId === undefined) {
    const marker = bucket.remove(key);
    return { isMarker: marker !== undefined, versionId: marker?.id };
  }
  const removed = bucket.removeVersion(key, versionId);
  return { isMarker: removed?.isMarker ?? false, versionId };
}

/** The keys that a DeleteObjects names, for the log. */
export function keysToDelete(body: Buffer): string[] {
  return textsOf(body.toString(), "Key").map(unescapeXml);
}
