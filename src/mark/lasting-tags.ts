import { elementAt } from "../element-at.js";
import { tagCurrentPath } from "../registry/layout.js";
import { isTagName } from "../registry/reference.js";
import type { RepositoryListing, StorageFault } from "../storage/listing.js";
import type { MarkContext } from "./context.js";
import { isLayerLinked, resolveLayer } from "./repository-links.js";
import type { RepositoryLinks } from "./repository-links.js";
import { youngLinks } from "./young-links.js";

/**
 * Names of tags that stay, with what they name, although no revision link finds that and dangling tags are dropped: outside the grammar, for
 * nobody knows whose they are; of what is pinned; and written within the grace time. `pins` are what the pins mean here.
 */
export async function findLastingTags(
  context: MarkContext,
  { name: repository, tags: listed }: RepositoryListing,
  links: RepositoryLinks,
  pins: ReadonlySet<number>,
  onFault: (fault: StorageFault) => void,
): Promise<ReadonlySet<string>> {
  const revisions = new Set(links.revisions);
  const lasting = new Set<string>();
  const unknown: string[] = [];
  for (const { name, target } of links.tags) {
    const found = resolveLayer(links, target);
    if (revisions.has(target) && !links.mismatched.has(target)) continue;
    if (isLayerLinked(links, target) && context.table.isStored(found)) continue;
    if (!isTagName(name) || pins.has(target) || pins.has(found)) lasting.add(name);
    else unknown.push(name);
  }
  const candidates = Array.from(unknown.keys());
  const path = (candidate: number): string => tagCurrentPath(repository, elementAt(unknown, candidate));
  const { modified } = listed;
  const times = modified && new Map(listed.names.map((name, i) => [name, modified[i]]));
  const time = times && ((candidate: number) => times.get(elementAt(unknown, candidate)));
  for (const young of await youngLinks(context, candidates, path, time, onFault)) lasting.add(elementAt(unknown, young));
  return lasting;
}
