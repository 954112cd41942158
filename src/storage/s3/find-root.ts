import { V2 } from "../../registry/layout.js";
import { untilAborted } from "../../until-aborted.js";
import { BucketReader } from "./bucket-reader.js";
import { openError } from "./errors.js";
import { firstObject } from "./first-object.js";
import { locationOf, rootPrefixOf } from "./options.js";
import type { S3Options } from "./options.js";

/**
 * The options with the registry's rootdirectory, by what an operator calls it: that, or anything on the way down to docker/registry/v2. What
 * they have written comes first, for a rootdirectory may be named so, and another registry lie beside it. Asks the bucket where there are two
 * to choose from; `findRoot` does the same in a filesystem. Throws an `OperatorError`, and
 * the signal's reason where that aborts.
 */
export async function findRootInBucket(options: S3Options, signal: AbortSignal): Promise<S3Options> {
  const cut = { ...options, rootDirectory: withoutWay(options.rootDirectory) };
  if (cut.rootDirectory === options.rootDirectory) return options;
  const bucket = new BucketReader(options);
  try {
    const written = await untilAborted(firstObject(bucket, `${rootPrefixOf(options)}${V2}/`), signal);
    return written === undefined ? cut : options;
  } catch (error) {
    signal.throwIfAborted();
    throw openError(error, locationOf(options), options.endpoint);
  } finally {
    bucket.close();
  }
}

function withoutWay(rootDirectory: string): string {
  return `/${rootDirectory}`.replace(/\/docker(?:\/registry(?:\/v2)?)?$/, "").slice(1);
}
