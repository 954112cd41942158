import type { BlobTable } from "./blob-table.js";
import type { MarkContext } from "./context.js";
import type { Finding } from "./finding.js";
import type { ManifestStore } from "./manifest-store.js";
import { resolveLayer } from "./repository-links.js";
import type { RepositoryLinks } from "./repository-links.js";

/** What the pins mean in a repository: a digest of another algorithm all that its link there may mean, too. */
export function pinsIn(pins: ReadonlySet<number>, { meanings }: RepositoryLinks): ReadonlySet<number> {
  if (pins.size === 0) return pins;
  const meant = [...meanings].flatMap(([id, ids]) => (pins.has(id) ? ids : []));
  return meant.length === 0 ? pins : new Set([...pins, ...meant]);
}

/** What they mean in any repository that has been marked so far. */
export function pinsAnywhere({ pins, aliases }: MarkContext): ReadonlySet<number> {
  const meant = new Set(pins);
  for (const pin of pins) for (const ids of aliases.get(pin) ?? []) for (const id of ids) meant.add(id);
  return meant;
}

/** A repository, with what the pins mean in it. */
interface WithPins {
  readonly links: RepositoryLinks;
  readonly pins: ReadonlySet<number>;
}

/** Calls `visit` for the config of a manifest if that is pinned: what `docker inspect` prints as an image's ID is its config's digest. */
export function forEachPinnedConfig(
  store: ManifestStore,
  { links, pins }: WithPins,
  manifest: number,
  visit: (config: number) => void,
): void {
  if (pins.size === 0 || !store.has(manifest)) return;
  store.forEachReference(manifest, (role, named) => {
    if (role !== "config") return;
    if (pins.has(named)) visit(named);
    const id = resolveLayer(links, named);
    if (id === named) return;
    for (const meant of links.meanings.get(named) ?? []) if (pins.has(meant)) visit(meant);
  });
}

/** Whether a manifest is pinned, by its own digest or by its config's. */
export function isPinned(store: ManifestStore, repository: WithPins, manifest: number): boolean {
  let found = repository.pins.has(manifest);
  if (!found) forEachPinnedConfig(store, repository, manifest, () => (found = true));
  return found;
}

/** Whether nobody can tell what a pin means in a repository: its digest is of another algorithm, and the link that told it is damaged. */
export function isLostPin(table: BlobTable, pins: ReadonlySet<number>, { code, digest }: Finding): boolean {
  if (code !== "layer-link-invalid" || digest === undefined || digest.algorithm === "sha256") return false;
  return pins.has(table.idOfDigest(digest));
}
