import { Digest, DIGEST_WORDS } from "../../registry/digest.js";
import type { DigestAlgorithm } from "../../registry/digest.js";
import { blobPath, MAX_MANIFEST_BYTES } from "../../registry/layout.js";
import type { ManifestBatch } from "../manifest-damage.js";
import { ManifestBatchBuilder, packManifest } from "../manifest-batch.js";
import type { PackedManifest } from "../manifest-batch.js";
import type { BucketReader } from "./bucket-reader.js";
import { causeOf } from "./errors.js";

/** Manifests by digest, as they were parsed before. */
export interface KnownManifests {
  /** What is known of a manifest, if its content had so many bytes. */
  get(digest: Digest, bytes: number): Uint32Array | undefined;
  add(digest: Digest, manifest: KnownManifest): void;
}

/** A manifest that was read and verified. */
export interface KnownManifest {
  /** Its packed references. */
  readonly words: Uint32Array;
  /** Of its content. */
  readonly bytes: number;
}

/** Where manifests are read. */
export interface ManifestSource {
  readonly bucket: BucketReader;
  /** What comes before the paths in a key. */
  readonly root: string;
  readonly known: KnownManifests | undefined;
}

/**
 * Reads manifests, one GET for each that is not known already, and verifies and parses them. What is known counts only where the
 * listing has the blob, in its right size: what is not stored, or came since the listing, is asked for.
 */
export async function readManifests(
  { bucket, root, known }: ManifestSource,
  algorithm: DigestAlgorithm,
  digests: Uint32Array,
  listedBytes?: Float64Array,
): Promise<ManifestBatch> {
  const width = DIGEST_WORDS[algorithm];
  const manifests: PackedManifest[] = [];
  const count = digests.length / width;
  const pending: number[] = [];
  for (let i = 0; i < count; i++) {
    const words = known?.get(Digest.fromWords(algorithm, digests, i * width), listedBytes?.[i] ?? Number.NaN);
    if (words === undefined) pending.push(i);
    else manifests[i] = { words };
  }
  await bucket.limit.map(pending, async (i) => {
    const digest = Digest.fromWords(algorithm, digests, i * width);
    const manifest = await readManifest(bucket, root, digest);
    manifests[i] = manifest;
    if ("words" in manifest) known?.add(digest, manifest);
  });
  const batch = new ManifestBatchBuilder();
  for (const manifest of manifests) batch.add(manifest);
  return batch.build();
}

export type ManifestRead = KnownManifest | Extract<PackedManifest, { readonly damage: unknown }>;

/** A wrong content may be the transfer's fault: only what comes out the same twice is damage. */
export async function readManifest(bucket: BucketReader, root: string, digest: Digest): Promise<ManifestRead> {
  const read = async (): Promise<ManifestRead> => {
    try {
      const content = await bucket.get(`${root}${blobPath(digest)}`, MAX_MANIFEST_BYTES + 1);
      if (content === undefined) return { damage: { kind: "missing" } };
      const manifest = packManifest(digest, content);
      return "words" in manifest ? { ...manifest, bytes: content.length } : manifest;
    } catch (error) {
      return { damage: { kind: "unreadable", cause: causeOf(error) } };
    }
  };
  const first = await read();
  const firstHex = corruptHex(first);
  if (firstHex === undefined) return first;
  const second = await read();
  const secondHex = corruptHex(second);
  if (secondHex === undefined || secondHex === firstHex) return second;
  return { damage: { kind: "unreadable", cause: "each reading gives another content" } };
}

/** The digest of a content that has another digest than it should. */
function corruptHex(manifest: ManifestRead): string | undefined {
  return "damage" in manifest && manifest.damage.kind === "corrupt" ? manifest.damage.contentHex : undefined;
}
