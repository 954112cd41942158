/**
 * Why a manifest's references are unknown. **unreadable** is a fault of the storage, the others are damage of the content; plain data, for it
 * crosses threads.
 */
export type ManifestDamage =
  | { readonly kind: "missing" }
  /** The hex of the digest that the content has instead, by the algorithm of the right one, and its bytes. */
  | { readonly kind: "corrupt"; readonly contentHex: string; readonly bytes: number }
  /** In the words of the parser. Served: by a registry, which takes no push of it all the same. */
  | { readonly kind: "invalid"; readonly problem: string; readonly isServed: boolean }
  /** In the words of the storage or the system. */
  | { readonly kind: "unreadable"; readonly cause: string };

/** The damage of one of those that were asked for, by its position among them. */
export type ManifestProblem = ManifestDamage & { readonly position: number };

/** Manifests in the order in which they were asked for, verified against their digest and parsed. */
export interface ManifestBatch {
  /** Where each one's packed references begin in `words`; the digests that it mentions where `problems` names it. */
  readonly offsets: Uint32Array;
  readonly words: Uint32Array;
  readonly problems: readonly ManifestProblem[];
}
