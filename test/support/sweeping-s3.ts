import { onTestFinished } from "vitest";
import { OperatorError } from "#regcheck/errors.js";
import { S3Changes } from "#regcheck/storage/s3/changes.js";
import type { S3Options } from "#regcheck/storage/s3/options.js";
import { S3Storage } from "#regcheck/storage/s3/s3.js";
import { sweep } from "#regcheck/sweep.js";
import type { SweepOptions } from "#regcheck/sweep.js";
import { RegistryTree } from "./registry-tree.js";
import { optionsFor } from "./s3-bucket.js";
import type { S3Server } from "./s3-server/index.js";

/** What is in the bucket `b` now, as a listing shows it. */
export function treeOf(server: S3Server): RegistryTree {
  const tree = new RegistryTree();
  for (const [key, content] of server.objects("b")) tree.write(key, content);
  return tree;
}

/** The bucket `b`, opened for changes until the test ends; the lock does not wait for servers that know no conditional writes. */
export function changesOf(server: S3Server, more: Partial<S3Options> = {}): S3Changes {
  const changes = new S3Changes(optionsFor(server, more), 5);
  onTestFinished(() => changes.close());
  return changes;
}

/** Sweeps the bucket `b`. Returns the exit code that an operator would see, and why. */
export async function sweepBucket(
  server: S3Server,
  options: SweepOptions,
  more: Partial<S3Options> = {},
): Promise<{ readonly exitCode: number; readonly why: string; readonly errors: number; readonly lockLeft?: string | undefined }> {
  const storage = new S3Storage(optionsFor(server, more));
  const changes = new S3Changes(optionsFor(server, more), 5);
  try {
    const { result, report, lockLeft } = await sweep({ storage, changes }, options);
    return {
      exitCode: result.stopped === undefined ? 0 : 5,
      why: result.stopped ?? "",
      errors: report.severities.error,
      lockLeft,
    };
  } catch (error) {
    if (error instanceof OperatorError) return { exitCode: error.exitCode, why: error.message, errors: 0 };
    throw error;
  } finally {
    await Promise.all([storage.close(), changes.close()]);
  }
}
