import type { FindingCode } from "../mark/finding.js";
import type { Marked } from "../mark/marked.js";
import { perVariant, HELD, isGarbage, isLiveInAll, selectedVariant, VARIANTS } from "../mark/policy.js";
import type { Policy, Variant } from "../mark/policy.js";

/** What a policy would take. */
export interface Reclaimable {
  blobs: number;
  /** Bytes of these blobs. */
  bytes: number;
  revisions: number;
  layerLinks: number;
}

/** The states of stored bytes: each blob is in one of them, so they add up to all that is stored. */
export const BYTE_STATES = ["live", "reclaimable", "held", "damaged"] as const;
export type ByteState = (typeof BYTE_STATES)[number];

/** Blobs and bytes that each variant of the policy lets go, of those that the filter leaves; links are not counted here. */
export function sumReclaimable(
  { table }: Marked,
  policy: Policy,
  includes?: (id: number) => boolean,
): Record<Variant, Reclaimable> {
  const sums = perVariant((): Reclaimable => ({ blobs: 0, bytes: 0, revisions: 0, layerLinks: 0 }));
  table.forEach((id, size, modified) => {
    if (includes?.(id) === false) return;
    const marks = table.marks(id);
    if (isLiveInAll(marks)) return;
    for (const variant of VARIANTS) {
      if (!isGarbage(marks, variant, policy, modified)) continue;
      sums[variant].blobs++;
      sums[variant].bytes += size;
    }
  });
  return sums;
}

/** Codes that say that a stored blob is not what it should be. */
const DAMAGE: ReadonlySet<FindingCode> = new Set(["manifest-corrupt", "manifest-invalid", "blob-corrupt", "blob-size-mismatch"]);

/**
 * Stored bytes by state, whatever findings are shown. **reclaimable**: the selected policy lets them go, damaged or not. **damaged**:
 * they stay, but are not what their digest or a manifest says. **held**: they would be reclaimable, but for damage in a repository
 * (safety rule 1). **live**: all else, what is younger than the grace time included. What is missing is not stored: it is no bytes.
 */
export function bytesByState({ table, findings, repositories }: Marked, policy: Policy): Record<ByteState, number> {
  const variant = selectedVariant(policy);
  const damaged = new Set<number>();
  for (const list of [findings, ...repositories.map((repository) => repository.findings)])
    for (const { code, digest } of list) if (DAMAGE.has(code) && digest !== undefined) damaged.add(table.idOfDigest(digest));
  const sums = { live: 0, reclaimable: 0, held: 0, damaged: 0 };
  table.forEach((id, size, modified) => {
    const marks = table.marks(id);
    const isFree = isGarbage(marks & ~HELD, variant, policy, modified);
    sums[isFree && (marks & HELD) === 0 ? "reclaimable" : damaged.has(id) ? "damaged" : isFree ? "held" : "live"] += size;
  });
  return sums;
}
