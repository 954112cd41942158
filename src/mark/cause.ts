import type { Digest } from "../registry/digest.js";
import type { LinkProblem } from "../registry/link.js";
import type { ReferenceRole, VersionLimit } from "../registry/manifest.js";
import type { ManifestDamage } from "../storage/manifest-damage.js";

/** What a blob or a manifest is used by, and as what. */
export interface UsedBy {
  readonly digest: Digest;
  readonly as: ReferenceRole;
}

/** What was found, as data: `report/cause-words.ts` makes the English. Sizes are in bytes. */
export type Cause =
  /** In the words of the storage or the system. */
  | { readonly kind: "fault"; readonly fault: string }
  | { readonly kind: "blobs-listed-twice"; readonly blobs: number }
  | { readonly kind: "repository-listed-twice" }
  /** It lies in a repository, and was not listed with one. */
  | { readonly kind: "listed-outside" }
  | { readonly kind: "manifest-damage"; readonly damage: ManifestDamage }
  | { readonly kind: "link-problem"; readonly problem: LinkProblem }
  /** In the words of the parser. */
  | { readonly kind: "proxy-state"; readonly problem: string }
  /** A blob's content has the digest `contentHex`, of its own algorithm. */
  | { readonly kind: "content"; readonly contentHex: string; readonly bytes: number; readonly listedBytes: number }
  /** A blob's size alone shows it to be corrupt: what has this digest has `expected` bytes, where that is known. */
  | { readonly kind: "impossible-size"; readonly stored: number; readonly expected: number | undefined }
  /** A manifest expects another size of a blob; whether the blob is corrupt, where that is known, or was not hashed. */
  | { readonly kind: "size"; readonly stored: number; readonly expected: number; readonly blob?: "corrupt" | "not-hashed" }
  /** A manifest says that `blob` has another size than it has. */
  | { readonly kind: "wrong-size"; readonly blob: Digest; readonly declared: number; readonly stored: number }
  /** Which blob a reference leads to is told by its layer link alone, and that is not there. */
  | { readonly kind: "lost-alias" }
  /** A revision or layer link holds another digest than its path. */
  | { readonly kind: "holds-another"; readonly held: Digest; readonly of: "manifest" | "layer" }
  /** A link by another algorithm holds a digest that something else contradicts. */
  | { readonly kind: "contradicted-alias"; readonly held: Digest; readonly by: "own-blob" | "another-link" }
  /** A link by another algorithm holds the digest of a blob that was hashed by it, and has another. */
  | { readonly kind: "alias-content"; readonly held: Digest }
  | {
      readonly kind: "alias-size";
      readonly held: Digest;
      readonly stored: number;
      readonly manifest: Digest;
      readonly declared: number;
    }
  /** An entry of a tag's history that holds no digest, or another than its path. */
  | { readonly kind: "history-entry"; readonly found: LinkProblem | Digest }
  /** A tag without a link had one once: its history has entries. */
  | { readonly kind: "had-link" }
  /** A tag's link holds the finding's digest, and its history has entries, but none of that. */
  | { readonly kind: "not-in-index" }
  | { readonly kind: "empty-tag" }
  /** A bucket has nothing of a tag but what consoles make for a folder. */
  | { readonly kind: "folder-marker" }
  /** What lies among tags has no name. */
  | { readonly kind: "no-name" }
  /** Seconds since it was started; negative where it is dated in the future. */
  | { readonly kind: "upload-age"; readonly seconds: number; readonly isMultipart: boolean }
  /** The number of the user who owns most blobs, and may not read this one. */
  | { readonly kind: "not-readable-by"; readonly user: number }
  | { readonly kind: "version-limit"; readonly limit: VersionLimit }
  | { readonly kind: "below-stray"; readonly path: string }
  /** What the finding's `subject` is is gone. */
  | { readonly kind: "subject-gone" }
  | { readonly kind: "goes-with-manifest" }
  /** An empty repository stays, for something is in it: a stray path, links or an upload. */
  | { readonly kind: "still-in-it"; readonly what: "links" | "upload" | { readonly path: string } }
  /** A repository is empty once its tags and manifests have gone. */
  | { readonly kind: "empty-after-sweep" }
  /** When a rule deletes it, in seconds since 1970, and how many answers of the storage named that rule. */
  | { readonly kind: "expiration"; readonly at: number; readonly answers: number }
  /** What says that something else decides what is live. */
  | { readonly kind: "owner"; readonly evidence: string };
