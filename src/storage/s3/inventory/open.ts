import { UsageError } from "../../../errors.js";
import { trimSlashes } from "../../../registry/s3-parameters.js";
import { showUrl } from "../../../show-url.js";
import { untilAborted } from "../../../until-aborted.js";
import { BucketReader } from "../bucket-reader.js";
import { rootPrefixOf } from "../options.js";
import type { S3Options } from "../options.js";
import { Inventory } from "./inventory.js";
import { InventoryStorage } from "./inventory-storage.js";
import { BucketSource, DirectorySource } from "./source.js";

/**
 * Opens a bucket whose listing comes from the inventory `named`: `s3://…`, or a path; `maxAge` in seconds. Throws a `UsageError`, and the
 * signal's reason where that aborts before.
 */
export async function openInventory(
  options: S3Options,
  named: string,
  maxAge: number,
  signal: AbortSignal,
): Promise<InventoryStorage> {
  const inventory = new Inventory(sourceOf(options, named), { bucket: options.bucket, root: rootPrefixOf(options) });
  try {
    const facts = await untilAborted(inventory.open(), signal);
    // A clock that is ahead must not make young what is not.
    const asOf = Math.min(facts.asOf, Math.floor(Date.now() / 1000));
    return new InventoryStorage(options, inventory, { ...facts, asOf, isStale: Date.now() / 1000 - asOf > maxAge });
  } catch (error) {
    inventory.close();
    throw error;
  }
}

function sourceOf(options: S3Options, named: string): BucketSource | DirectorySource {
  if (!/^s3:/i.test(named)) return new DirectorySource(named);
  const [, bucket, key] = /^s3:\/\/([^/?#@:]+)(?:\/([^?#]*))?$/i.exec(named) ?? [];
  if (bucket === undefined)
    throw new UsageError(`--inventory ${showUrl(named)}: expected s3://bucket/…/manifest.json, or a folder`);
  return new BucketSource(new BucketReader({ ...options, bucket }), trimSlashes(key ?? ""));
}
