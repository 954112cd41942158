import crypto from "node:crypto";
import { PutBucketLifecycleConfigurationCommand } from "@aws-sdk/client-s3";
import type { S3Client } from "@aws-sdk/client-s3";

/** Gives a bucket one lifecycle rule, in the place of those that it has: what begins with the prefix is deleted after so many days. */
export async function expire(client: S3Client, Bucket: string, ID: string, Prefix: string, Days: number): Promise<void> {
  const rule = { ID, Status: "Enabled" as const, Filter: { Prefix }, Expiration: { Days } };
  const command = new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration: { Rules: [rule] } });
  // Ceph 16 insists on the MD5 of the body, and the SDK sends a CRC32.
  command.middlewareStack.add(
    (next) => async (args) => {
      const { request }: { request: unknown } = args;
      const { headers, body } = request as { headers: Record<string, string>; body: string };
      headers["content-md5"] = crypto.hash("md5", body, "base64");
      return next(args);
    },
    { step: "build", priority: "low", name: "contentMd5" },
  );
  await client.send(command);
}
