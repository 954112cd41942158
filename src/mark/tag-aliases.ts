import { MAX_MANIFEST_BYTES } from "../registry/layout.js";
import type { StorageFault } from "../storage/listing.js";
import type { MarkContext } from "./context.js";
import type { RepositoryGraph } from "./repository-graph.js";
import { resolveLayer } from "./repository-links.js";
import { findWrongAliases } from "./verify-aliases.js";
import type { Alias } from "./verify-aliases.js";

/** Whether nobody can tell what a tag means that holds this digest: it is of another algorithm, and no link tells what is stored for it. */
export function isLostTarget({ table }: MarkContext, { links }: RepositoryGraph, target: number): boolean {
  return table.algorithm(target) !== "sha256" && !table.isStored(target) && !table.isStored(resolveLayer(links, target));
}

/**
 * Those of a repository's links by another algorithm that lead to another content than they say, and by which a tag, its history or a pin is
 * resolved: no manifest says how large that has to be. So what they lead to is hashed, where it may be a manifest; hardly any registry has
 * such a tag.
 */
export async function findWrongTagAliases(
  context: MarkContext,
  { links }: RepositoryGraph,
  onFaults: (faults: readonly StorageFault[]) => void,
): Promise<readonly Alias[]> {
  if (links.aliases.size === 0) return [];
  const { table, store, pins } = context;
  const names = new Set([...links.tags, ...links.history].map(({ target }) => target));
  for (const pin of pins) names.add(pin);
  const aliases = [...names].flatMap((named): Alias[] => {
    const target = links.aliases.get(named);
    return target !== undefined && mayBeManifest(target) ? [{ named, target }] : [];
  });
  const isWrong = await findWrongAliases(context, aliases, onFaults);
  return aliases.filter(isWrong);

  function mayBeManifest(id: number): boolean {
    if (!table.isStored(id) || table.size(id) > MAX_MANIFEST_BYTES) return false;
    // What cannot be read, or is corrupt, is reported by itself.
    const problem = store.problem(id)?.kind;
    return problem === undefined || problem === "invalid";
  }
}
