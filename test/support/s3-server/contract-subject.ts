import type { S3Client } from "@aws-sdk/client-s3";

/** A server that the contract is checked on. */
export interface Target {
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly region?: string;
  /** `radosgw` (Ceph 16) differs from AWS in what the contract marks with this word. Default `aws`. */
  readonly dialect?: "aws" | "radosgw";
}

/** What a part of the contract works with. */
export interface Subject {
  readonly client: S3Client;
  readonly dialect: "aws" | "radosgw";
  /** A client that differs in these. */
  readonly clientWith: (change: Partial<Target>) => S3Client;
}
