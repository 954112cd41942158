import { Digest } from "./digest.js";

/**
 * A digest in front, whatever comes behind it: `.imgpkg` and `.image-locations.imgpkg` (Carvel), `.cosign`, `-esgz`, the fallback of a sha512
 * subject, and what a referrer is called.
 */
const NAMED_BY_DIGEST = /^sha(256|384|512)-([0-9a-f]{32,})([.-].*)?$/;

/** `sha256-<hex>` is the OCI referrers fallback; with one of these, it is cosign's signature, attestation or SBOM of that manifest. */
const REFERRER_ENDINGS: ReadonlySet<string> = new Set(["", ".sig", ".att", ".sbom"]);

/** Whether a program has named the tag by a digest: it finds what it needs by that name, or keeps with it what it refers to by its digest. */
export function isNamedByDigest(tag: string): boolean {
  return NAMED_BY_DIGEST.test(tag);
}

/** What a glob or the beginning of a name has where it can only be about such tags: a digest's algorithm in front, or the suffix of a signature. */
const MEANS_NAMED_BY_DIGEST = /^sha(?:256|384|512)|\.(?:sig|att|sbom)$/;

/** Whether a glob of tags without braces, or the beginning of a tag's name, says that it means tags that a program has named by a digest. */
export function meansNamedByDigest(pattern: string): boolean {
  return MEANS_NAMED_BY_DIGEST.test(pattern);
}

/** The manifest that a tag is about, if its name says that it is a referrer. */
export function findReferrerTarget(tag: string): Digest | undefined {
  const [, algorithm, hex, ending = ""] = NAMED_BY_DIGEST.exec(tag) ?? [];
  if (hex === undefined || algorithm !== "256" || !REFERRER_ENDINGS.has(ending)) return undefined;
  return Digest.fromParts("sha256", hex);
}
