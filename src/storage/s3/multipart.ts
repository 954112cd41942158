import { V2 } from "../../registry/layout.js";
import type { MultipartListing, MultipartUpload } from "../listing.js";
import type { BucketReader } from "./bucket-reader.js";
import { causeOf, isNotImplemented } from "./errors.js";

/**
 * Lists the unfinished multipart uploads below the registry's root. A server that has no such listing has none; one that refuses it is
 * a fault, because an upload under way is evidence that somebody writes.
 */
export async function listMultipartUploads(bucket: BucketReader, root: string): Promise<MultipartListing> {
  const prefix = `${root}${V2}/`;
  const uploads: MultipartUpload[] = [];
  let after: { readonly key: string; readonly uploadId: string } | undefined;
  try {
    for (;;) {
      const page = await bucket.multipartUploads(prefix, after);
      for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
        if (Key === undefined || UploadId === undefined || Initiated === undefined)
          throw new Error("the server lists an upload without key, id or date");
        // Not every server minds the prefix, and the rest of the bucket is somebody else's.
        if (!Key.startsWith(prefix)) continue;
        uploads.push({ path: Key.slice(root.length), uploadId: UploadId, initiated: Math.floor(Initiated.getTime() / 1000) });
      }
      if (page.IsTruncated !== true) return { uploads, faults: [] };
      const next = { key: page.NextKeyMarker ?? "", uploadId: page.NextUploadIdMarker ?? "" };
      if (next.key < (after?.key ?? "") || (next.key === after?.key && next.uploadId === after.uploadId) || next.key === "")
        throw new Error("the server's listing of multipart uploads repeats itself");
      after = next;
    }
  } catch (error) {
    if (isNotImplemented(error)) return { uploads, faults: [] };
    const cause = `unfinished multipart uploads cannot be listed (s3:ListBucketMultipartUploads): ${causeOf(error)}`;
    return { uploads, faults: [{ path: V2, cause }] };
  }
}
