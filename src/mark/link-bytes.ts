import { LINK_BYTES } from "../registry/layout.js";
import type { RepositoryListing } from "../storage/listing.js";

/** Bytes of all links of a repository: revisions, layers, what tags name, and their history. */
export function linkBytes({ revisions, layers, oddLinks, tags }: RepositoryListing): number {
  const sound = revisions.digests.length / 8 + layers.digests.length / 8 + tags.names.length - tags.oddCurrent.length;
  const odd = [...oddLinks, ...tags.oddCurrent, ...tags.oddIndex].reduce(
    (sum, { content }) => sum + (content?.byteLength ?? 0),
    0,
  );
  return (sound + tags.indexTag.length) * LINK_BYTES + odd;
}
