import type { S3Client } from "@aws-sdk/client-s3";

/** What a policy has to allow for each of the SDK's commands. */
const ACTIONS: Readonly<Record<string, string>> = {
  ListObjectsV2Command: "s3:ListBucket",
  ListObjectVersionsCommand: "s3:ListBucketVersions",
  ListMultipartUploadsCommand: "s3:ListBucketMultipartUploads",
  ListPartsCommand: "s3:ListMultipartUploadParts",
  GetBucketVersioningCommand: "s3:GetBucketVersioning",
  GetObjectCommand: "s3:GetObject",
  // Without the second one, an object that is not there is forbidden.
  HeadObjectCommand: "s3:GetObject and s3:ListBucket",
  PutObjectCommand: "s3:PutObject",
  CopyObjectCommand: "s3:GetObject and s3:PutObject",
  CreateMultipartUploadCommand: "s3:PutObject",
  UploadPartCopyCommand: "s3:GetObject and s3:PutObject",
  CompleteMultipartUploadCommand: "s3:PutObject",
  DeleteObjectCommand: "s3:DeleteObject",
  AbortMultipartUploadCommand: "s3:AbortMultipartUpload",
};

/** An error of a request that a policy has to allow. */
export interface WithAction {
  /** What the request needs, in the words of a policy. */
  readonly action: string;
}

/** Lets each error of a client say which action its request needed. */
export function nameActions(client: S3Client): void {
  client.middlewareStack.add(
    (next, { commandName = "" }) =>
      async (args) => {
        try {
          return await next(args);
        } catch (error) {
          const action = ACTIONS[commandName];
          if (error instanceof Error && action !== undefined) Object.assign(error, { action } satisfies WithAction);
          throw error;
        }
      },
    { step: "initialize", name: "nameActions" },
  );
}

/** What deleting needs. */
export function deleteAction(versionId: string | undefined): string {
  return versionId === undefined ? "s3:DeleteObject" : "s3:DeleteObjectVersion";
}
