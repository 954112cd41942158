import { uploadPath } from "../registry/layout.js";
import { splitRepositoryPath } from "../registry/parse-path.js";
import { parseStartedAt } from "../registry/started-at.js";
import type { MultipartUpload, UploadListing } from "../storage/listing.js";
import type { Cause } from "./cause.js";
import type { Finding } from "./finding.js";
import { ABANDONED_AGE, isYoung } from "./policy.js";
import type { Policy } from "./policy.js";

/** Reports uploads: those that are abandoned, those so young that somebody may be writing, and those in between. */
export function checkUploads(repository: string, uploads: readonly UploadListing[], policy: Policy): Finding[] {
  return uploads.flatMap((upload): Finding[] => {
    const age = policy.now - startOf(upload);
    const about = { path: uploadPath(repository, upload.id), repository, bytes: upload.bytes, cause: ageCause(age, false) };
    // An empty directory is what a registry makes first and removes last: nobody can go on with it.
    const isEmpty = upload.startedAt === undefined && upload.bytes === 0;
    if (isEmpty && isYoung(policy, upload.modified)) return [];
    // A large upload may have begun long ago and be written to this minute.
    const isActive = age < 0 || age < policy.grace || isYoung(policy, upload.modified);
    if (isActive) return [{ code: "upload-active", ...about }];
    return [
      isAbandoned(age, policy) ? { code: "upload-stale", ...about, objects: upload.objects } : { code: "upload-idle", ...about },
    ];
  });
}

/**
 * The same for multipart uploads. One younger than the grace time shows that somebody writes, even where
 * the registry's own files of the upload are older.
 */
export function checkMultipartUploads(uploads: readonly MultipartUpload[], policy: Policy): Finding[] {
  return uploads.flatMap(({ path, uploadId, initiated, bytes }): Finding[] => {
    const age = policy.now - initiated;
    const about = { path, repository: splitRepositoryPath(path)?.name, uploadId, bytes, cause: ageCause(age, true) };
    if (age < 0 || age < policy.grace) return [{ code: "upload-active", ...about }];
    return [{ code: isAbandoned(age, policy) ? "multipart-stale" : "upload-idle", ...about }];
  });
}

function isAbandoned(age: number, { uploadsOlderThan = ABANDONED_AGE }: Policy): boolean {
  return age > uploadsOlderThan;
}

/** When the upload began, in seconds since 1970: by its `startedat`, or by its files where that is missing or unreadable. */
function startOf({ startedAt, modified }: UploadListing): number {
  return parseStartedAt(startedAt) ?? modified;
}

function ageCause(seconds: number, isMultipart: boolean): Cause {
  return { kind: "upload-age", seconds, isMultipart };
}
