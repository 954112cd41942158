import type { HeadObjectCommandOutput } from "@aws-sdk/client-s3";

/** What S3 keeps of an object's content. */
export interface StoredChecksum {
  /**
   * The SHA-256 of the whole content as hex, where S3 says that it is that. The checksum of a multipart upload is one of its parts'
   * checksums (COMPOSITE), and says nothing of the whole.
   */
  readonly sha256: string | undefined;
  /** Of the content. */
  readonly bytes: number | undefined;
}

/** The header of a request that wants to know. Every SDK of today sends it with every GET; servers without checksums ignore it. */
export const ASK_FOR_CHECKSUM = { "x-amz-checksum-mode": "ENABLED" } as const;

/** By the headers of an answer. */
export function checksumOf(headers: Readonly<Record<string, string | undefined>>): StoredChecksum {
  const length = headers["content-length"];
  return {
    sha256: wholeSha256(headers["x-amz-checksum-sha256"], headers["x-amz-checksum-type"]),
    bytes: length === undefined ? undefined : Number(length),
  };
}

/** By a head as the SDK gives it. */
export function checksumOfHead({ ChecksumSHA256, ChecksumType, ContentLength }: HeadObjectCommandOutput): StoredChecksum {
  return { sha256: wholeSha256(ChecksumSHA256, ChecksumType), bytes: ContentLength };
}

function wholeSha256(base64: string | undefined, type: string | undefined): string | undefined {
  if (base64 === undefined || type !== "FULL_OBJECT") return undefined;
  return Buffer.from(base64, "base64").toString("hex");
}
