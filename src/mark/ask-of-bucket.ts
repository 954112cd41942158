import type { MultipartListing } from "../storage/listing.js";
import type { MarkContext } from "./context.js";
import { checkExpirations, samplesOf } from "./expirations.js";
import { unreadable } from "./unreadable.js";
import { checkMultipartUploads } from "./uploads.js";
import type { Findings } from "./verify.js";

/** What a bucket knows besides its objects. Asked last, when all that is read has been, and side by side: none waits for the other. */
export async function askOfBucket(context: MarkContext, { repositories, findings }: Findings): Promise<MultipartListing> {
  const { storage, policy } = context;
  const [multipart, expirations] = await Promise.all([
    storage.multipartUploads(),
    storage.expirations(samplesOf(context, repositories)),
  ]);
  for (const finding of checkMultipartUploads(multipart.uploads, policy)) findings.push(finding);
  for (const fault of multipart.faults) findings.push(unreadable(fault));
  for (const finding of checkExpirations(expirations)) findings.push(finding);
  return multipart;
}
