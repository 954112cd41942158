import type { BlobTable } from "./blob-table.js";
import type { RepositoryLinks } from "./repository-links.js";

/** The stored blobs that a repository's links name, each once, its manifests among them. */
export function namedBlobs(links: RepositoryLinks, manifests: readonly number[], table: BlobTable): Uint32Array {
  const others = [...links.aliases.values(), ...links.damagedLayers, ...manifests];
  const named = new Uint32Array(links.layers.length + others.length);
  named.set(links.layers);
  named.set(others, links.layers.length);
  named.sort();
  let count = 0;
  for (const id of named) if (id !== named[count - 1] && table.isStored(id)) named[count++] = id;
  return named.slice(0, count);
}

/** The bytes of stored blobs. */
export function bytesOf(blobs: Uint32Array, table: BlobTable): number {
  let bytes = 0;
  for (const id of blobs) bytes += table.size(id);
  return bytes;
}
