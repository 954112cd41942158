import type { ListMultipartUploadsCommandOutput, MultipartUpload as ListedUpload } from "@aws-sdk/client-s3";
import { V2 } from "../../registry/layout.js";
import type { MultipartListing, MultipartUpload } from "../listing.js";
import type { BucketReader } from "./bucket-reader.js";
import { causeOf, isDenied, isNotImplemented, nameOf } from "./errors.js";

/**
 * Lists the unfinished multipart uploads below the registry's root. A server that has no such listing has none. Where the credentials may
 * not list them, that is said: nothing but uploads depends on them.
 *
 * No prefix is asked for: MinIO takes it for a whole key, and would list none.
 */
export async function listMultipartUploads(bucket: BucketReader, root: string): Promise<MultipartListing> {
  const prefix = `${root}${V2}/`;
  const uploads: MultipartUpload[] = [];
  try {
    let after: Marker | undefined;
    do {
      const page = await bucket.multipartUploads(after);
      // The rest of the bucket is somebody else's.
      for (const upload of page.Uploads ?? [])
        if (upload.Key?.startsWith(prefix) !== false) uploads.push(parseUpload(upload, root.length));
      after = page.IsTruncated === true ? nextMarker(page, after) : undefined;
    } while (after !== undefined);
    return { uploads, faults: [] };
  } catch (error) {
    if (isNotImplemented(error)) return { uploads, faults: [] };
    if (isDenied(nameOf(error))) return { uploads: [], faults: [], denied: causeOf(error) };
    const cause = `unfinished multipart uploads cannot be listed: ${causeOf(error)}`;
    return { uploads, faults: [{ path: V2, cause }] };
  }
}

/** Where a page of the listing begins. */
interface Marker {
  readonly key: string;
  readonly uploadId: string;
}

function parseUpload({ Key, UploadId, Initiated }: ListedUpload, rootLength: number): MultipartUpload {
  if (Key === undefined || UploadId === undefined || Initiated === undefined)
    throw new Error("the server lists an upload without key, id or date");
  return { path: Key.slice(rootLength), uploadId: UploadId, initiated: Math.floor(Initiated.getTime() / 1000) };
}

function nextMarker(page: ListMultipartUploadsCommandOutput, { key, uploadId }: Marker = { key: "", uploadId: "" }): Marker {
  const next = { key: page.NextKeyMarker ?? "", uploadId: page.NextUploadIdMarker ?? "" };
  if (next.key < key || next.key === "" || (next.key === key && next.uploadId === uploadId))
    throw new Error("the server's listing of multipart uploads repeats itself");
  return next;
}
