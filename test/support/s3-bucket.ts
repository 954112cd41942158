import { PutBucketVersioningCommand } from "@aws-sdk/client-s3";
import { onTestFinished } from "vitest";
import type { RetryOptions, S3Options } from "#regcheck/storage/s3/options.js";
import { parseS3Url } from "#regcheck/storage/s3/options.js";
import { S3Storage } from "#regcheck/storage/s3/s3.js";
import type { RegistryTree } from "./registry-tree.js";
import { clientOf } from "./s3-server/contract.js";
import { startS3Server } from "./s3-server/index.js";
import type { Effect, PutOptions, S3Server, ServerOptions } from "./s3-server/index.js";

export const CREDENTIALS = { accessKeyId: "AK", secretAccessKey: "SK" };

/**
 * How often something is asked while a server has a fault, which ends soon. The time-out is short only where no answer comes at all: the
 * server is in the process of the test, so that one that is busy for a moment would fail other requests by a short one.
 */
export function retriesDuring(effect: Effect | undefined, attempts = 3): RetryOptions {
  return { attempts, delay: 1, timeout: effect?.kind === "stall" ? 3000 : 60_000, patience: 180_000 };
}

/** What opens the bucket `b` of a server; faults end soon. */
export function optionsFor(server: { readonly endpoint: string }, more: Partial<S3Options> = {}): S3Options {
  return {
    ...parseS3Url("s3://b"),
    endpoint: server.endpoint,
    forcePathStyle: true,
    credentials: CREDENTIALS,
    retries: retriesDuring(undefined),
    ...more,
  };
}

/** A server of this test, gone after it. */
export async function startedServer(options: ServerOptions = {}): Promise<S3Server> {
  const server = await startS3Server({ buckets: ["b"], credentials: CREDENTIALS, region: "us-east-1", ...options });
  onTestFinished(() => server.stop());
  return server;
}

/** Stores a tree in the bucket `b`, with its times. */
export function store(server: S3Server, tree: RegistryTree, etag: PutOptions["etag"] = "md5", root = ""): void {
  for (const [file, { content, modified }] of tree.files)
    server.put("b", `${root}${file}`, content, { modified: new Date(modified * 1000), ...(etag === undefined ? {} : { etag }) });
}

/** A tree in a bucket of its own server, opened. */
export async function bucketOf(tree: RegistryTree, more: Partial<S3Options> = {}, etag: PutOptions["etag"] = "md5") {
  const server = await startedServer();
  store(server, tree, etag);
  return { server, storage: new S3Storage(optionsFor(server, more)) };
}

/** The bucket `b` keeps versions from now on, or no longer. */
export async function setVersioning({ endpoint }: { readonly endpoint: string }, Status: "Enabled" | "Suspended"): Promise<void> {
  const client = clientOf({ endpoint, ...CREDENTIALS });
  await client.send(new PutBucketVersioningCommand({ Bucket: "b", VersioningConfiguration: { Status } }));
  client.destroy();
}
