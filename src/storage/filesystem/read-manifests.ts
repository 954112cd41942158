import { Digest, DIGEST_WORDS } from "../../registry/digest.js";
import type { DigestAlgorithm } from "../../registry/digest.js";
import { blobPath } from "../../registry/layout.js";
import { ManifestBatchBuilder, packManifest } from "../manifest-batch.js";
import type { ManifestBatch } from "../listing.js";
import { counts } from "./counts.js";
import { causeOf } from "../../system-errors.js";
import { readManifest } from "./read-file.js";

/** Reads, verifies and parses the manifests of packed digests. */
export function readManifests(root: string, algorithm: DigestAlgorithm, digests: Uint32Array): ManifestBatch {
  const width = DIGEST_WORDS[algorithm];
  const batch = new ManifestBatchBuilder();
  for (let at = 0; at < digests.length; at += width) {
    const digest = Digest.fromWords(algorithm, digests, at);
    counts.get++;
    try {
      const content = readManifest(`${root}/${blobPath(digest)}`);
      if (content === undefined) batch.add({ kind: "missing", detail: "its blob is not stored" });
      else batch.add(packManifest(digest, content));
    } catch (error) {
      batch.add({ kind: "unreadable", detail: causeOf(error) });
    }
  }
  return batch.build();
}
