import type { Digest } from "../registry/digest.js";
import { isTagName } from "../registry/reference.js";
import type { OwnObject } from "../storage/listing.js";
import type { Cause, UsedBy } from "./cause.js";

/** The stable codes of all findings; `report/catalogue.ts` says of each how bad it is, what it means and what to do. */
export const FINDING_CODES = [
  "storage-unreadable",
  "manifest-missing",
  "manifest-corrupt",
  "manifest-invalid",
  "revision-link-invalid",
  "tag-link-invalid",
  "tag-without-current",
  "tag-dangling",
  "blob-missing",
  "object-archived",
  "blob-unreadable",
  "proxy-state-invalid",
  "blob-corrupt",
  "blob-size-mismatch",
  "layer-link-missing",
  "layer-link-invalid",
  "link-mismatch",
  "bucket-expires",
  "manifest-size-wrong",
  "child-missing",
  "revision-link-missing",
  "tag-name-invalid",
  "stray-among-tags",
  "stray-stops-registry",
  "stray-aborts-collector",
  "repository-name-invalid",
  "layer-link-dangling",
  "blob-unreferenced",
  "layer-link-unreferenced",
  "tag-index-dangling",
  "upload-stale",
  "multipart-stale",
  "manifest-unreferenced",
  "repository-empty",
  "manifest-version-bound",
  "referrer-orphaned",
  "truth-elsewhere",
  "tags-elsewhere",
  "upload-idle",
  "upload-active",
  "stray-object",
] as const;
export type FindingCode = (typeof FINDING_CODES)[number];

/** Codes that hold their repository back from a sweep: what it references is unknown, or nobody can know what it is for. */
const HOLDING_CODES: ReadonlySet<FindingCode> = new Set([
  "manifest-missing",
  "manifest-corrupt",
  "manifest-invalid",
  "revision-link-invalid",
  "tag-link-invalid",
  "link-mismatch",
  "tag-without-current",
  "repository-name-invalid",
]);

/** Codes that no sweep is done with: what is live is unknown everywhere. */
const BLOCKING_CODES: ReadonlySet<FindingCode> = new Set(["storage-unreadable", "truth-elsewhere"]);

/** What a code means for a sweep. **holds**: its repository is not swept. **blocks**: nothing is. */
export type CodeEffect = "holds" | "blocks";

/** What a code means for a sweep; undefined for most. */
export function effectOf(code: FindingCode): CodeEffect | undefined {
  if (BLOCKING_CODES.has(code)) return "blocks";
  return HOLDING_CODES.has(code) ? "holds" : undefined;
}

/** Something to know about the storage. Data only: the report makes the text. */
export interface Finding {
  readonly code: FindingCode;
  /** Relative to the storage root. */
  readonly path: string;
  readonly repository?: string | undefined;
  /** The tag itself, or one through which a pull gets here. */
  readonly tag?: string | undefined;
  readonly digest?: Digest | undefined;
  /** For a referrer: the manifest that it is about. */
  readonly subject?: Digest | undefined;
  /** Bytes that are reclaimable, damaged or missing, whichever the code is about. */
  readonly bytes?: number | undefined;
  /** For a dangling tag: whether its manifest is still stored. */
  readonly recoverable?: boolean | undefined;
  /** For an unreferenced manifest: how many manifests lie below it on the longest way, 0 for an image that is about nothing. */
  readonly height?: number | undefined;
  /** For an unreferenced blob: whether it is known to be a manifest. A sweep takes what refers before what is referred to. */
  readonly isManifest?: boolean | undefined;
  /** For a multipart upload: what S3 knows it by. */
  readonly uploadId?: string | undefined;
  /** For what a bucket deletes by itself: the name of its rule, where that is told. */
  readonly rule?: string | undefined;
  /** Whether it holds its repository, where that is not as its code says: false where nothing is lost, true where a pin may mean anything. */
  readonly holds?: boolean | undefined;
  /** Whether the selected policy lets a sweep take it; for codes of which that depends on the policy. */
  readonly reclaimable?: boolean | undefined;
  /** For a stale upload, and a dangling tag that is reclaimable: what it consists of, in the order in which it may be removed. */
  readonly objects?: readonly OwnObject[] | undefined;
  /** For a blob or a manifest that a pull needs: a manifest that needs it, and as what. */
  readonly usedBy?: UsedBy | undefined;
  readonly cause?: Cause | undefined;
}

/** Whether the finding holds its repository back. A file with a tag's name may be what a broken filesystem has left of the tag. */
export function holdsRepository({ code, tag = "", holds = HOLDING_CODES.has(code) }: Finding): boolean {
  return holds || (code === "stray-among-tags" && isTagName(tag));
}
