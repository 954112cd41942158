import type { ManifestBatch } from "./manifest-damage.js";

/** One batch of several, in their order. */
export function mergeManifests(parts: readonly ManifestBatch[]): ManifestBatch {
  const [first] = parts;
  if (first !== undefined && parts.length === 1) return first;
  const words = new Uint32Array(parts.reduce((sum, part) => sum + part.words.length, 0));
  const offsets = new Uint32Array(parts.reduce((sum, part) => sum + part.offsets.length, 0));
  const problems: ManifestBatch["problems"][number][] = [];
  let wordsBefore = 0;
  let before = 0;
  for (const part of parts) {
    words.set(part.words, wordsBefore);
    offsets.set(
      part.offsets.map((offset) => offset + wordsBefore),
      before,
    );
    for (const problem of part.problems) problems.push({ ...problem, position: problem.position + before });
    wordsBefore += part.words.length;
    before += part.offsets.length;
  }
  return { offsets, words, problems };
}
