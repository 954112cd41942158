import type { BlobTable } from "../mark/blob-table.js";
import { isGarbage, selectedVariant } from "../mark/policy.js";
import type { Policy } from "../mark/policy.js";

/** Garbage blobs of about the same age. */
export interface GarbageAge {
  /** Younger than this many days; undefined for all that is older. */
  readonly underDays: number | undefined;
  blobs: number;
  bytes: number;
}

const LIMITS = [1, 7, 30, 90, 365, undefined] as const;
const SECONDS_A_DAY = 86_400;

/** The blobs that the selected policy would take of those that the filter leaves, by the time since they were written, youngest first. */
export function garbageAges(table: BlobTable, policy: Policy, includes?: (id: number) => boolean): readonly GarbageAge[] {
  const ages = LIMITS.map((underDays): GarbageAge => ({ underDays, blobs: 0, bytes: 0 }));
  const variant = selectedVariant(policy);
  table.forEach((id, size, modified) => {
    if (!isGarbage(table.marks(id), variant, policy, modified) || includes?.(id) === false) return;
    const days = (policy.now - modified) / SECONDS_A_DAY;
    const age = ages.find(({ underDays }) => underDays === undefined || days < underDays);
    if (age === undefined) return;
    age.blobs++;
    age.bytes += size;
  });
  return ages;
}
