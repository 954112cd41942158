import pLimit from "p-limit";
import type {
  ListMultipartUploadsCommandOutput,
  ListPartsCommandOutput,
  MultipartUpload as ListedUpload,
} from "@aws-sdk/client-s3";
import { V2 } from "../../registry/layout.js";
import type { MultipartListing, MultipartUpload } from "../listing.js";
import type { BucketReader } from "./bucket-reader.js";
import { causeOf, isDenied, isNotImplemented, nameOf } from "./errors.js";
import { storedSeconds } from "./dates.js";
import { BrokenListing } from "./page.js";

/**
 * Lists the unfinished multipart uploads below the registry's root. A server that has no such listing has none, and so has one that says that
 * there are none. Where the credentials may not list them, that is said: nothing but uploads depends on them.
 *
 * No prefix is asked for: MinIO takes it for a whole key, and would list none.
 */
export async function listMultipartUploads(bucket: BucketReader, root: string): Promise<MultipartListing> {
  const prefix = `${root}${V2}/`;
  const uploads: ListedMultipart[] = [];
  try {
    let after: Marker | undefined;
    do {
      const page = await bucket.multipartUploads(after);
      // The rest of the bucket is somebody else's.
      for (const upload of page.Uploads ?? [])
        if (upload.Key?.startsWith(prefix) !== false) uploads.push(parseUpload(upload, root.length));
      after = page.IsTruncated === true ? nextMarker(page, after) : undefined;
    } while (after !== undefined);
    return { ...(await measure(bucket, root, uploads)), faults: [] };
  } catch (error) {
    // `rclone serve s3` knows of none in a bucket before somebody has begun the first.
    if (isNotImplemented(error) || nameOf(error) === "NoSuchUpload") return { uploads: [], faults: [] };
    if (isDenied(nameOf(error))) return { uploads: [], faults: [], denied: causeOf(error) };
    const cause = `unfinished multipart uploads cannot be listed: ${causeOf(error)}`;
    return { uploads: uploads.map((upload) => ({ ...upload, bytes: undefined })), faults: [{ path: V2, cause }] };
  }
}

/** An upload as the listing has it, which tells no size. */
type ListedMultipart = Omit<MultipartUpload, "bytes">;

/** Uploads whose parts are asked for, a request each: a bucket that nobody has ever cleared of them may have a million. */
const MOST_MEASURED = 1000;
/** Those at a time. */
const AT_A_TIME = 16;

/**
 * Asks for the sizes of their parts. They are worth their requests: these are bytes that are billed, that no listing of objects shows, and that
 * mostly are few uploads with much in them. What cannot be told is said, and nothing else depends on it.
 */
async function measure(
  bucket: BucketReader,
  root: string,
  uploads: readonly ListedMultipart[],
): Promise<Pick<MultipartListing, "uploads" | "unmeasured">> {
  let unmeasured =
    uploads.length > MOST_MEASURED
      ? `there are ${uploads.length} multipart uploads, of which ${MOST_MEASURED} were measured`
      : undefined;
  let isRefused = false;
  const measured = await pLimit(AT_A_TIME).map(uploads, async (upload, i): Promise<MultipartUpload> => {
    if (isRefused || i >= MOST_MEASURED) return { ...upload, bytes: undefined };
    try {
      return { ...upload, bytes: await bytesOf(bucket, `${root}${upload.path}`, upload.uploadId) };
    } catch (error) {
      // It was completed or aborted since it was listed: what of it is stored, the next check says.
      if (nameOf(error) === "NoSuchUpload") return { ...upload, bytes: 0 };
      isRefused = true;
      unmeasured = `the parts of multipart uploads cannot be listed: ${causeOf(error)}`;
      return { ...upload, bytes: undefined };
    }
  });
  return { uploads: measured, ...(unmeasured === undefined ? {} : { unmeasured }) };
}

async function bytesOf(bucket: BucketReader, key: string, uploadId: string): Promise<number> {
  let bytes = 0;
  let after: string | undefined;
  do {
    const page = await bucket.parts(key, uploadId, after);
    for (const { Size = 0 } of page.Parts ?? []) bytes += Size;
    after = page.IsTruncated === true ? partBehind(page, after) : undefined;
  } while (after !== undefined);
  return bytes;
}

function partBehind({ NextPartNumberMarker: next }: ListPartsCommandOutput, after = "0"): string {
  if (next === undefined || next === "")
    throw new BrokenListing(
      "the server says that there are more parts, but not where (IsTruncated without NextPartNumberMarker)",
    );
  if (Number(next) <= Number(after)) throw new BrokenListing("the server's listing of parts repeats itself");
  return next;
}

/** Where a page of the listing begins. */
interface Marker {
  readonly key: string;
  readonly uploadId: string;
}

function parseUpload({ Key, UploadId, Initiated }: ListedUpload, rootLength: number): ListedMultipart {
  if (Key === undefined || UploadId === undefined || Initiated === undefined)
    throw new Error("the server lists an upload without key, id or date");
  return { path: Key.slice(rootLength), uploadId: UploadId, initiated: storedSeconds(Initiated.getTime()) };
}

function nextMarker(page: ListMultipartUploadsCommandOutput, { key, uploadId }: Marker = { key: "", uploadId: "" }): Marker {
  const next = { key: page.NextKeyMarker ?? "", uploadId: page.NextUploadIdMarker ?? "" };
  if (next.key < key || next.key === "" || (next.key === key && next.uploadId === uploadId))
    throw new BrokenListing("the server's listing of multipart uploads repeats itself");
  return next;
}
