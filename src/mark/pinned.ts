import type { MarkContext } from "./context.js";
import { resolveLayer } from "./repository-links.js";
import type { RepositoryLinks } from "./repository-links.js";

/** Calls `visit` with the config of a manifest if that is pinned: what `docker inspect` prints as an image's ID is its config's digest. */
export function forEachPinnedConfig(
  { store, pins }: MarkContext,
  links: RepositoryLinks,
  manifest: number,
  visit: (config: number) => void,
): void {
  if (pins.size === 0 || !store.has(manifest)) return;
  store.forEachReference(manifest, (role, named) => {
    if (role !== "config") return;
    if (pins.has(named)) visit(named);
    const id = resolveLayer(links, named);
    if (id !== named && pins.has(id)) visit(id);
  });
}

/** Whether a manifest is pinned, by its own digest or by its config's. */
export function isPinned(context: MarkContext, links: RepositoryLinks, manifest: number): boolean {
  let found = context.pins.has(manifest);
  if (!found) forEachPinnedConfig(context, links, manifest, () => (found = true));
  return found;
}
