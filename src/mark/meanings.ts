import type { BlobTable } from "./blob-table.js";

/**
 * What each of a repository's links by another algorithm may mean. Which blob such a digest is stored as is told by the link alone, and of one
 * that was swapped for another blob's nothing shows it but the size, which a manifest says as well. So besides what the link leads to, that is
 * every stored blob of the same size that a layer link of the repository has the name of: the registry writes one with each of these links.
 */
export function findMeanings(
  table: BlobTable,
  aliases: ReadonlyMap<number, number>,
  linked: readonly Iterable<number>[],
): ReadonlyMap<number, readonly number[]> {
  const bySize = new Map<number, Set<number>>();
  for (const target of aliases.values()) if (table.isStored(target)) bySize.set(table.size(target), new Set());
  if (bySize.size > 0)
    for (const ids of linked) for (const id of ids) if (table.isStored(id)) bySize.get(table.size(id))?.add(id);
  // Thousands of signatures have one size: all of their links share one list.
  const lists = new Map(Array.from(bySize, ([size, ids]) => [size, [...ids]]));
  const meanings = new Map<number, readonly number[]>();
  for (const [id, target] of aliases) {
    const size = table.isStored(target) ? table.size(target) : Number.NaN;
    const others = lists.get(size) ?? [];
    meanings.set(id, bySize.get(size)?.has(target) === true ? others : [target, ...others]);
  }
  return meanings;
}
