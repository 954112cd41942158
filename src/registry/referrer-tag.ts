import { Digest } from "./digest.js";

/** `sha256-<hex>` is the OCI referrers fallback; with a suffix, it is cosign's signature, attestation or SBOM of that manifest. */
const REFERRER_TAG = /^sha256-([0-9a-f]{64})(?:\.(?:sig|att|sbom))?$/;

/** The manifest that a tag is about, if its name says that it is a referrer. */
export function findReferrerTarget(tag: string): Digest | undefined {
  const hex = REFERRER_TAG.exec(tag)?.[1];
  return hex === undefined ? undefined : Digest.fromParts("sha256", hex);
}
