import { createHash } from "node:crypto";
import type { Call } from "./call.js";
import { fromBytes, toBytes } from "./keys.js";
import { encodingTypeOf, limitOf } from "./listing.js";
import type { Reply } from "./reply.js";
import { S3Error, notImplemented, xmlReply } from "./reply.js";
import type { Upload } from "./store.js";
import { nextId } from "./store.js";
import { document, element, escapeXml, keyEncoder, textsOf, unescapeXml } from "./xml.js";

/** CreateMultipartUpload. */
export function createMultipartUpload({ bucket, key, headers }: Call): Reply {
  const id = nextId();
  const hasSha256 = headers["x-amz-checksum-algorithm"] === "SHA256";
  bucket.uploads.set(id, { key, id, initiated: new Date(), parts: new Map(), hasSha256 });
  const names = element("Bucket", bucket.name) + element("Key", escapeXml(fromBytes(key)));
  return xmlReply(document("InitiateMultipartUploadResult", names + element("UploadId", id)));
}

/** AbortMultipartUpload. */
export function abortMultipartUpload(call: Call): Reply {
  call.bucket.uploads.delete(uploadOf(call).id);
  return { status: 204 };
}

/** UploadPart. */
export function uploadPart(call: Call): Reply {
  const number = Number(call.query.get("partNumber"));
  uploadOf(call).parts.set(number, call.body);
  return { status: 200, headers: { etag: `"${createHash("md5").update(call.body).digest("hex")}"` } };
}

/** CompleteMultipartUpload: the ETag is the MD5 of the parts' MD5s and their number; a checksum is made in the same way. */
export function completeMultipartUpload(call: Call): Reply {
  const upload = uploadOf(call);
  const numbers = textsOf(call.body.toString(), "PartNumber").map(Number);
  const etags = textsOf(call.body.toString(), "ETag").map((text) => unescapeXml(text).replaceAll('"', ""));
  const md5 = createHash("md5");
  const parts = numbers.map((number, index) => {
    const part = upload.parts.get(number);
    const hash = createHash("md5")
      .update(part ?? "")
      .digest();
    if (part === undefined || hash.toString("hex") !== etags[index]) {
      throw new S3Error(400, "InvalidPart", "One or more of the specified parts could not be found.");
    }
    md5.update(hash);
    return part;
  });
  const etag = `${md5.digest("hex")}-${parts.length}`;
  const checksumSha256 = upload.hasSha256 === true ? compositeSha256(parts) : undefined;
  call.bucket.uploads.delete(upload.id);
  call.bucket.put(upload.key, { content: Buffer.concat(parts), etag, modified: new Date(), checksumSha256, metadata: {} });
  const names = element("Bucket", call.bucket.name) + element("Key", escapeXml(fromBytes(upload.key)));
  return xmlReply(document("CompleteMultipartUploadResult", `${names}${element("ETag", `&quot;${etag}&quot;`)}`));
}

/** The checksum of type COMPOSITE that an upload in these parts has. */
export function compositeSha256(parts: readonly Buffer[]): string {
  const sha256 = createHash("sha256");
  for (const part of parts) sha256.update(createHash("sha256").update(part).digest());
  return `${sha256.digest("base64")}-${parts.length}`;
}

/** ListMultipartUploads: by key, then by the time of initiation, which is the order of our ids. */
export function listMultipartUploads({ bucket, query }: Call): Reply {
  if (query.has("delimiter")) throw notImplemented("a delimiter in ListMultipartUploads");
  const encodingType = encodingTypeOf(query);
  const encode = keyEncoder(encodingType);
  const prefix = toBytes(query.get("prefix") ?? "");
  const keyMarker = toBytes(query.get("key-marker") ?? "");
  // "If key-marker is not specified, the upload-id-marker parameter is ignored."
  const idMarker = keyMarker === "" ? "" : (query.get("upload-id-marker") ?? "");
  const limit = limitOf(query, "max-uploads");
  const isBehind = ({ key, id }: Upload): boolean => key > keyMarker || (key === keyMarker && idMarker !== "" && id > idMarker);
  const isBelow = ({ key }: Upload): boolean =>
    bucket.listsUploadsByKey && prefix !== "" ? key === prefix : key.startsWith(prefix);
  const all = [...bucket.uploads.values()].filter((upload) => isBelow(upload) && isBehind(upload)).sort(byKeyAndId);
  const page = all.slice(0, limit);
  const last = page.at(-1);
  const isTruncated = all.length > page.length && last !== undefined;
  return xmlReply(
    document(
      "ListMultipartUploadsResult",
      [
        element("Bucket", bucket.name),
        element("KeyMarker", encode(keyMarker)),
        element("UploadIdMarker", escapeXml(idMarker)),
        isTruncated ? element("NextKeyMarker", encode(last.key)) + element("NextUploadIdMarker", last.id) : "",
        element("Prefix", encode(prefix)),
        element("EncodingType", encodingType ?? undefined),
        element("MaxUploads", limit),
        element("IsTruncated", isTruncated),
        ...page.map(({ key, id, initiated }) => {
          const when = element("Initiated", initiated.toISOString());
          return element(
            "Upload",
            element("Key", encode(key)) + element("UploadId", id) + element("StorageClass", "STANDARD") + when,
          );
        }),
      ].join(""),
    ),
  );
}

/** ListParts: by their numbers. */
export function listParts(call: Call): Reply {
  const { key, id, parts } = uploadOf(call);
  const marker = Number(call.query.get("part-number-marker") ?? "0");
  const all = [...parts].filter(([number]) => number > marker).sort(([a], [b]) => a - b);
  const page = all.slice(0, limitOf(call.query, "max-parts"));
  const last = page.at(-1)?.[0];
  const isTruncated = all.length > page.length;
  return xmlReply(
    document(
      "ListPartsResult",
      [
        element("Bucket", call.bucket.name),
        element("Key", escapeXml(fromBytes(key))),
        element("UploadId", id),
        element("PartNumberMarker", marker),
        isTruncated ? element("NextPartNumberMarker", last) : "",
        element("IsTruncated", isTruncated),
        ...page.map(([number, content]) => element("Part", element("PartNumber", number) + element("Size", content.length))),
      ].join(""),
    ),
  );
}

function byKeyAndId(a: Upload, b: Upload): number {
  if (a.key !== b.key) return a.key < b.key ? -1 : 1;
  return a.id < b.id ? -1 : 1;
}

function uploadOf({ bucket, key, query }: Call): Upload {
  const upload = bucket.uploads.get(query.get("uploadId") ?? "");
  if (upload?.key === key) return upload;
  throw new S3Error(
    404,
    "NoSuchUpload",
    "The specified multipart upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.",
  );
}
