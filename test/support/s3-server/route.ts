import type { Operation } from "./call.js";
import { deleteObject, deleteObjects } from "./deletes.js";
import { toBytes } from "./keys.js";
import type { ByteString } from "./keys.js";
import { listObjectsV2 } from "./listing.js";
import { copyObject, getObject, putObject } from "./objects.js";
import { S3Error, notImplemented } from "./reply.js";
import {
  abortMultipartUpload,
  completeMultipartUpload,
  createMultipartUpload,
  listMultipartUploads,
  listParts,
  uploadPart,
} from "./uploads.js";
import { getBucketLocation, getBucketVersioning, listObjectVersions, putBucketVersioning } from "./versions.js";

/** What a request asks for. */
export interface Route {
  readonly operation: string;
  readonly bucket: string;
  readonly key: ByteString;
  /** As sent, for the signature. */
  readonly path: string;
  readonly query: URLSearchParams;
}

/** What works on a bucket that exists. CreateBucket is the server's own. */
export const OPERATIONS: Readonly<Record<string, Operation>> = {
  AbortMultipartUpload: abortMultipartUpload,
  CompleteMultipartUpload: completeMultipartUpload,
  CopyObject: copyObject,
  CreateMultipartUpload: createMultipartUpload,
  DeleteObject: deleteObject,
  DeleteObjects: deleteObjects,
  GetBucketLocation: getBucketLocation,
  GetBucketVersioning: getBucketVersioning,
  GetObject: getObject,
  HeadBucket: ({ bucket }) => ({ status: 200, headers: { "x-amz-bucket-region": bucket.region } }),
  HeadObject: getObject,
  ListMultipartUploads: listMultipartUploads,
  ListParts: listParts,
  ListObjectsV2: listObjectsV2,
  ListObjectVersions: listObjectVersions,
  PutBucketVersioning: putBucketVersioning,
  PutObject: putObject,
  UploadPart: uploadPart,
};

/** Method, level and the parameter that tells the operation; the first line that fits decides. */
const ROUTES: readonly (readonly [method: string, level: "bucket" | "object", parameter: string, operation: string])[] = [
  ["GET", "bucket", "list-type", "ListObjectsV2"],
  ["GET", "bucket", "location", "GetBucketLocation"],
  ["GET", "bucket", "versioning", "GetBucketVersioning"],
  ["GET", "bucket", "versions", "ListObjectVersions"],
  ["GET", "bucket", "uploads", "ListMultipartUploads"],
  ["PUT", "bucket", "versioning", "PutBucketVersioning"],
  ["PUT", "bucket", "", "CreateBucket"],
  ["HEAD", "bucket", "", "HeadBucket"],
  ["POST", "bucket", "delete", "DeleteObjects"],
  ["PUT", "object", "uploadId", "UploadPart"],
  ["PUT", "object", "", "PutObject"],
  ["POST", "object", "uploads", "CreateMultipartUpload"],
  ["POST", "object", "uploadId", "CompleteMultipartUpload"],
  ["DELETE", "object", "uploadId", "AbortMultipartUpload"],
  ["DELETE", "object", "", "DeleteObject"],
  ["GET", "object", "uploadId", "ListParts"],
  ["GET", "object", "", "GetObject"],
  ["HEAD", "object", "", "HeadObject"],
];

const PARAMETERS: ReadonlySet<string> = new Set(
  (
    "x-id list-type location versioning versions uploads delete uploadId partNumber versionId prefix delimiter start-after continuation-token " +
    "max-keys encoding-type fetch-owner key-marker version-id-marker upload-id-marker max-uploads max-parts part-number-marker"
  ).split(" "),
);

/** Tells what a request in path style asks for. */
export function routeOf(method: string, url: string, isCopy: boolean): Route {
  const [path = "/", search = ""] = url.split(/\?([^]*)/);
  const query = new URLSearchParams(search);
  const unknown = [...query.keys()].find((name) => !PARAMETERS.has(name));
  if (unknown !== undefined) throw notImplemented(`the parameter ${unknown}`);
  const [, bucket = "", key = ""] = /^\/([^/]*)\/?([^]*)$/.exec(path) ?? [];
  if (bucket === "") throw notImplemented(`${method} ${path}`);
  const level = key === "" ? "bucket" : "object";
  const found = ROUTES.find(([verb, at, name]) => verb === method && at === level && (name === "" || query.has(name)));
  if (found === undefined || (found[3] === "GetObject" && query.has("uploadId"))) throw notImplemented(`${method} ${url}`);
  if (query.has("list-type") && query.get("list-type") !== "2") throw notImplemented("another listing than list-type=2");
  const operation = isCopy ? copyOf(found[3]) : found[3];
  return { operation, bucket, key: toBytes(decode(key)), path, query };
}

function copyOf(operation: string): string {
  if (operation === "PutObject") return "CopyObject";
  throw notImplemented("UploadPartCopy");
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw new S3Error(400, "InvalidURI", "Couldn't parse the specified URI.");
  }
}
