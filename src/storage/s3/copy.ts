import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  UploadPartCopyCommand,
} from "@aws-sdk/client-s3";
import type { CompletedPart, S3Client } from "@aws-sdk/client-s3";
import type { Observable } from "./attempt.js";
import type { ObjectHead } from "./object-head.js";

/** S3 copies no more than this in one request, in bytes; a larger object goes in parts. */
const MOST_BYTES_AT_ONCE = 5 * 1024 ** 3;
/** At most 10,000 parts: enough for the 5 TiB that an object may have. */
const PART_BYTES = 1024 ** 3;

/** A copy within a bucket. */
export interface Copy {
  readonly bucket: string;
  readonly from: string;
  readonly to: string;
  /** The source, which must still be this. */
  readonly head: ObjectHead;
  /** Counts and bounds each request. */
  readonly send: <Input extends object, Output extends object, T>(
    command: Observable<Input, Output>,
    call: () => Promise<T>,
  ) => Promise<T>;
}

/** Copies an object on the server's side. An error leaves nothing behind, or an unfinished upload if even that cannot be ended. */
export async function copyObject(copy: Copy, client: S3Client): Promise<void> {
  if (copy.head.bytes > MOST_BYTES_AT_ONCE) {
    await copyInParts(copy, client);
    return;
  }
  const command = new CopyObjectCommand({ Bucket: copy.bucket, Key: copy.to, ...source(copy) });
  await copy.send(command, () => client.send(command));
}

async function copyInParts(copy: Copy, client: S3Client): Promise<void> {
  const target = { Bucket: copy.bucket, Key: copy.to };
  const create = new CreateMultipartUploadCommand(target);
  const { UploadId } = await copy.send(create, () => client.send(create));
  const upload = { ...target, UploadId };
  try {
    const parts: CompletedPart[] = [];
    for (let begin = 0; begin < copy.head.bytes; begin += PART_BYTES) {
      const PartNumber = parts.length + 1;
      const end = Math.min(begin + PART_BYTES, copy.head.bytes) - 1;
      const command = new UploadPartCopyCommand({
        ...upload,
        ...source(copy),
        PartNumber,
        CopySourceRange: `bytes=${begin}-${end}`,
      });
      const { CopyPartResult } = await copy.send(command, () => client.send(command));
      parts.push({ PartNumber, ETag: CopyPartResult?.ETag });
    }
    const complete = new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts: parts } });
    await copy.send(complete, () => client.send(complete));
  } catch (error) {
    const abort = new AbortMultipartUploadCommand(upload);
    await copy.send(abort, () => client.send(abort)).catch(() => {});
    throw error;
  }
}

function source({ bucket, from, head }: Copy) {
  return {
    CopySource: `${bucket}/${from.split("/").map(encodeURIComponent).join("/")}`,
    ...(head.etag === "" ? {} : { CopySourceIfMatch: head.etag }),
  };
}
