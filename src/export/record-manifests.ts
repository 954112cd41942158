import { DIGEST_WORDS } from "../registry/digest.js";
import type { DigestAlgorithm } from "../registry/digest.js";
import { unpackReferences } from "../registry/packed-manifest.js";
import type { ManifestBatch } from "../storage/manifest-damage.js";
import type { DigestText } from "./digest-text.js";
import type { Tables } from "./tables-writer.js";

/** What was asked for, and what came of it. */
export interface ManifestsRead {
  readonly algorithm: DigestAlgorithm;
  readonly digests: Uint32Array;
  readonly listedBytes: Float64Array | undefined;
  readonly batch: ManifestBatch;
}

/** Writes manifests, each with its problem if it has one, and what they refer to: where there is a problem, what they mention. */
export function recordManifests(
  tables: Tables,
  digests: DigestText,
  { algorithm, digests: words, listedBytes, batch }: ManifestsRead,
): void {
  const width = DIGEST_WORDS[algorithm];
  const problems = new Map(batch.problems.map(({ position, kind }) => [position, kind]));
  for (let i = 0; i < words.length / width; i++) {
    const manifest = digests.ofWords(algorithm, words, i * width);
    const kind = problems.get(i);
    // What was listed and is gone a moment later is no absence, but a fault: as the mark has it.
    const isListed = listedBytes?.[i] !== undefined && !Number.isNaN(listedBytes[i]);
    tables.manifests.add({ digest: manifest, problem: kind === "missing" && isListed ? "unreadable" : kind });
    let position = 0;
    for (const { role, algorithm: of, size, isManifest, at } of unpackReferences(batch.words, batch.offsets[i] ?? 0))
      tables.manifest_references.add({
        manifest,
        position: position++,
        role,
        digest: digests.ofWords(of, batch.words, at),
        size,
        is_manifest: isManifest,
      });
  }
}
