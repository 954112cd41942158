import { S3Client } from "@aws-sdk/client-s3";
import { deletesContract } from "./contract-deletes.js";
import { listingContract } from "./contract-listing.js";
import { objectsContract } from "./contract-objects.js";
import { uploadsContract } from "./contract-uploads.js";
import type { Subject, Target } from "./contract-subject.js";
import { versionsContract } from "./contract-versions.js";

/** A client as regcheck makes it for a custom endpoint. */
export function clientOf({ endpoint, accessKeyId, secretAccessKey, region = "us-east-1" }: Target): S3Client {
  return new S3Client({
    endpoint,
    region,
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
  });
}

/**
 * What regcheck relies on in an S3 server, as vitest tests. Runs in a `describe` of the caller's, on any server:
 * what the test server does, a real one has confirmed.
 */
export function s3ServerContract(target: () => Target): void {
  const subject = (): Subject => {
    const it = target();
    const clientWith = (change: Partial<Target>): S3Client => clientOf({ ...it, ...change });
    return { client: clientOf(it), dialect: it.dialect ?? "aws", clientWith };
  };
  listingContract(subject);
  objectsContract(subject);
  deletesContract(subject);
  uploadsContract(subject);
  versionsContract(subject);
}
