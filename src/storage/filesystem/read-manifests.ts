import { wordsToHexes } from "../../registry/digest.js";
import type { DigestAlgorithm } from "../../registry/digest.js";
import { blobPathOf } from "../../registry/layout.js";
import { ManifestBatchBuilder, packManifest } from "../manifest-batch.js";
import type { ManifestBatch } from "../manifest-damage.js";
import { counts } from "./counts.js";
import { causeOf } from "../../system-errors.js";
import { readManifest } from "./read-file.js";

/** Reads, verifies and parses the manifests of packed digests. `listedBytes` are their sizes, where they are known. */
export function readManifests(
  root: string,
  algorithm: DigestAlgorithm,
  digests: Uint32Array,
  listedBytes: Float64Array | undefined,
): ManifestBatch {
  const batch = new ManifestBatchBuilder();
  for (const [i, hex] of wordsToHexes(algorithm, digests).entries()) {
    counts.get++;
    try {
      const content = readManifest(`${root}/${blobPathOf(algorithm, hex)}`, listedBytes?.[i]);
      if (content === undefined) batch.add({ damage: { kind: "missing" } });
      else batch.add(packManifest({ algorithm, hex }, content));
    } catch (error) {
      batch.add({ damage: { kind: "unreadable", cause: causeOf(error) } });
    }
  }
  return batch.build();
}
