import type { Digest } from "../registry/digest.js";
import type { RetentionRequest } from "../retention/retention.js";

/** What counts as garbage, as the operator chose it. */
export interface Policy {
  /** Only what tags and pins reach is live, not every revision. */
  readonly deleteUntagged: boolean;
  /** A tag whose manifest has no revision link keeps nothing alive, even if its blob is still stored. */
  readonly dropDanglingTags: boolean;
  /** Seconds: blobs, links and uploads younger than this stay, with all that they reach. */
  readonly grace: number;
  /** Seconds since 1970 that ages are counted from: when the check began. */
  readonly now: number;
  /** Seconds after which an upload counts as abandoned; `ABANDONED_AGE` without. */
  readonly uploadsOlderThan?: number | undefined;
  /** Digests that are in use outside of the registry. */
  readonly pins: readonly Digest[];
  /** Tags that may go, by a policy file: what goes with them, if untagged manifests go as well, is a variant of its own. */
  readonly retention?: RetentionRequest | undefined;
}

/** Seconds after which the registry's own purger takes an upload for abandoned (`uploadpurging.age`, 168h). */
export const ABANDONED_AGE = 168 * 60 * 60;

/**
 * Liveness is computed for all four combinations of the two switches at once, one bit each, so that the report can say what each
 * of them would reclaim; and for what is left when the tags have gone that a policy file lets go, and then the untagged manifests.
 */
export const VARIANT_BITS = {
  asIs: 1,
  withDeleteUntagged: 2,
  withDropDanglingTags: 4,
  withBoth: 8,
  withPolicy: 0b1_0000_0000,
} as const;
export type Variant = keyof typeof VARIANT_BITS;
/** A combination of the two switches: one of these is selected, with a policy file as without. */
export type SwitchVariant = Exclude<Variant, "withPolicy">;
export const VARIANTS = [
  "asIs",
  "withDeleteUntagged",
  "withDropDanglingTags",
  "withBoth",
  "withPolicy",
] as const satisfies readonly Variant[];

/** Live whatever the variant. */
export const LIVE = 0b1_0000_1111;
/** Of nearly all that is marked: it need not be looked at once for each variant. */
export function isLiveInAll(marks: number): boolean {
  return (marks & LIVE) === LIVE;
}

/** Kept because damage in a repository leaves it unknown what its links are for (safety rule 1). */
export const HELD = 0b1_0000;
/** Some repository has a revision link for it. */
export const REVISION = 0b10_0000;
/** Whether a repository has it as a revision, by its marks. */
export function isRevision(marks: number): boolean {
  return (marks & REVISION) !== 0;
}

/** Some index has it as a child, wherever that is: if it is stored, it is a manifest. */
export const CHILD = 0b100_0000;
/** Some repository has it as a manifest, by a revision link or a dangling tag. */
export const MANIFEST = 0b1000_0000;

/** Pinned, and the config of some repository's manifest: what containers name as their image. */
export const PINNED_CONFIG = 0b10_0000_0000;

/** Every revision link is a root unless untagged manifests go. */
export const REVISION_ROOT = VARIANT_BITS.asIs | VARIANT_BITS.withDropDanglingTags;
/** A tag that a policy file lets go is a root unless it has gone. */
export const RETAINED_ROOT = LIVE & ~VARIANT_BITS.withPolicy;

/** A recoverable dangling tag is a root unless these are dropped. */
export function danglingRoot({ dropDanglingTags }: Policy): number {
  const kept = VARIANT_BITS.asIs | VARIANT_BITS.withDeleteUntagged;
  return dropDanglingTags ? kept : kept | VARIANT_BITS.withPolicy;
}

/** A value for each variant. */
export function perVariant<Value>(make: () => Value): Record<Variant, Value> {
  return {
    asIs: make(),
    withDeleteUntagged: make(),
    withDropDanglingTags: make(),
    withBoth: make(),
    withPolicy: make(),
  };
}

/** The variant that the policy selects. */
export function selectedVariant(policy: Policy): SwitchVariant {
  if (policy.deleteUntagged) return policy.dropDanglingTags ? "withBoth" : "withDeleteUntagged";
  return policy.dropDanglingTags ? "withDropDanglingTags" : "asIs";
}

/** The bit of the variant that the policy selects. */
export function selectedBit(policy: Policy): number {
  return VARIANT_BITS[selectedVariant(policy)];
}

/** Whether something last changed at `modified` (seconds) is younger than the grace time. */
export function isYoung(policy: Policy, modified: number): boolean {
  return modified > policy.now - policy.grace;
}

/** Whether a variant of the policy lets a blob go, by its marks and when it was written (seconds). */
export function isGarbage(marks: number, variant: Variant, policy: Policy, modified: number): boolean {
  return (marks & (VARIANT_BITS[variant] | HELD)) === 0 && !isYoung(policy, modified);
}
