import { Digest } from "./digest.js";

/** `sha256-<hex>` is the OCI referrers fallback; with a suffix, it is cosign's signature, attestation or SBOM of that manifest. */
const REFERRER_TAG = /^sha256-([0-9a-f]{64})(?:\.(?:sig|att|sbom))?$/;

/** A digest in front, whatever comes behind it: `.imgpkg` and `.image-locations.imgpkg` (Carvel), `.cosign`, `-esgz`, the fallback of a sha512 subject. */
const NAMED_BY_DIGEST = /^sha(?:256|384|512)-[0-9a-f]{32,}(?:[.-].*)?$/;

/** Whether a program has named the tag by a digest: it finds what it needs by that name, or keeps with it what it refers to by its digest. */
export function isNamedByDigest(tag: string): boolean {
  return NAMED_BY_DIGEST.test(tag);
}

/** The manifest that a tag is about, if its name says that it is a referrer. */
export function findReferrerTarget(tag: string): Digest | undefined {
  const hex = REFERRER_TAG.exec(tag)?.[1];
  return hex === undefined ? undefined : Digest.fromParts("sha256", hex);
}
