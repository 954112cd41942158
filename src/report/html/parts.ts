import type { RepositoryReport } from "../repository-report.js";

/** A repository's bytes, each in one part. */
export interface Parts {
  /** Needed, and by no other repository. */
  readonly live: number;
  /** Linked by other repositories too. */
  readonly shared: number;
  readonly reclaimable: number;
  /** Would be reclaimable, but for damage in the repository. */
  readonly held: number;
}

/** The parts in the order in which they are drawn, with what people call them. */
export const PARTS = [
  ["live", "live"],
  ["shared", "shared"],
  ["reclaimable", "reclaimable"],
  ["held", "held back by damage"],
] as const satisfies readonly (readonly [keyof Parts, string])[];

/** Divides a repository's bytes. What is held may be shared as well: it is counted as held, up to what there is. */
export function partsOf({ bytes, exclusiveBytes, reclaimableBytes, heldBytes }: RepositoryReport): Parts {
  const held = Math.min(heldBytes, bytes - reclaimableBytes);
  const kept = Math.max(0, exclusiveBytes - reclaimableBytes);
  const live = Math.max(0, kept - held);
  return { live, shared: bytes - reclaimableBytes - held - live, reclaimable: reclaimableBytes, held };
}

/** Adds up the parts of some repositories. */
export function sumOf(all: readonly Parts[]): Parts {
  const sum = { live: 0, shared: 0, reclaimable: 0, held: 0 };
  for (const parts of all) for (const [part] of PARTS) sum[part] += parts[part];
  return sum;
}
