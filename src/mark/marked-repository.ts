import type { Finding } from "./finding.js";
import type { Variant } from "./policy.js";
import type { RepositoryRetention } from "./retention.js";
import type { Witness } from "./witness.js";

/** Links of a repository that a variant lets go. */
export interface ReclaimableLinks {
  revisions: number;
  layerLinks: number;
}

/** The result of marking one repository. */
export interface MarkedRepository {
  readonly name: string;
  readonly tags: number;
  /** Those of the tags that have neither a link nor a history: nothing shows that they have ever named anything. */
  readonly emptyTags: number;
  readonly revisions: number;
  readonly layerLinks: number;
  /** Bytes of all its links, tags and their history included. */
  readonly linkBytes: number;
  readonly uploads: number;
  /** Bytes of all that lies in its uploads. */
  readonly uploadBytes: number;
  /** Bytes of the stored blobs that its links name, each counted once. */
  readonly bytes: number;
  readonly reclaimable: Readonly<Record<Variant, ReclaimableLinks>>;
  readonly findings: readonly Finding[];
  /** What its links and uploads say; see `fingerprintOf`. */
  readonly fingerprint: string;
  /** What a registry on this storage can be asked for. */
  readonly witness: Witness | undefined;
  /** If damage holds the repository back: the blobs that it keeps for that reason. */
  readonly heldBlobs: Uint32Array | undefined;
  /** Its links by another algorithm, if there are any, from the number of a digest to that of a blob; and all blobs that its links name. */
  readonly aliased: { readonly links: ReadonlyMap<number, number>; readonly blobs: Uint32Array } | undefined;
  /** What a policy file says of its tags; undefined without one. */
  readonly retention: RepositoryRetention | undefined;
}
