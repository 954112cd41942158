import type { ReferenceRole } from "../registry/manifest.js";
import type { BlobTable } from "./blob-table.js";
import type { MarkContext } from "./context.js";
import { isRevision, isYoung } from "./policy.js";
import { resolveLayer } from "./repository-links.js";
import type { RepositoryLinks } from "./repository-links.js";

/**
 * Whether nobody can tell which blob a reference means: the registry stores blobs by their sha256, so a digest of another algorithm leads to
 * one by a link alone, and that is gone, or damaged, or leads to what is not stored or has not the size that is `declared` (bytes). `named`
 * itself is not stored; `id` is what the link says.
 */
export function isLost(table: BlobTable, named: number, id: number, declared: number | undefined): boolean {
  if (table.algorithm(named) === "sha256") return false;
  return !table.isStored(id) || declared !== table.size(id);
}

/** Calls `visit` for each blob that a manifest's references mean, or may mean, in a repository; its subject excepted. */
export function forEachMeantBlob(
  { table, store, lostSizes }: MarkContext,
  links: RepositoryLinks,
  manifest: number,
  visit: (blob: number, role: ReferenceRole) => void,
): void {
  const lost = new Set<ReferenceRole>();
  const sizes = new Map<string, readonly [number, ReferenceRole]>();
  store.forEachReference(manifest, (role, named, position) => {
    if (role === "subject") return;
    const id = resolveLayer(links, named);
    visit(id, role);
    for (const meant of links.meanings.get(named) ?? []) if (meant !== id) visit(meant, role);
    const declared = store.declaredSize(position);
    if (role === "mention" || table.isStored(named) || !isLost(table, named, id, declared)) return;
    lost.add(role);
    if (declared !== undefined) sizes.set(`${role} ${declared}`, [declared, role]);
  });
  for (const role of lost) {
    for (const layer of links.layers) visit(resolveLayer(links, layer), role);
    for (const layer of links.damagedLayers) visit(layer, role);
  }
  for (const [size, role] of sizes.values()) lostSizes.forEachMeant(size, role === "child", table.count, (id) => visit(id, role));
}

/**
 * The same wherever the blobs are: in some repository, links may tell what a digest is stored as; without, any blob may be it, unless the
 * repositories that have the manifest as a revision keep it for sure, and with it all that it may mean there. Returns whether any blob may be it.
 */
export function forEachMeantAnywhere(
  context: MarkContext,
  manifest: number,
  visit: (blob: number, role: ReferenceRole) => void,
): boolean {
  // Once, however many of its references are lost: whoever may push decides how many a manifest has.
  const isAnyMeant = forEachNamedAnywhere(context, manifest, visit);
  if (isAnyMeant) for (let id = 0; id < context.table.count; id++) visit(id, "layer");
  return isAnyMeant;
}

/** The same without those that are meant only because any blob may be. Returns whether that is so. */
export function forEachNamedAnywhere(
  context: MarkContext,
  manifest: number,
  visit: (blob: number, role: ReferenceRole) => void,
): boolean {
  const { table, store, aliases } = context;
  let isAnyMeant = false;
  store.forEachReference(manifest, (role, named, position) => {
    if (role === "subject") return;
    visit(named, role);
    if (table.isStored(named) || table.algorithm(named) === "sha256") return;
    const declared = store.declaredSize(position);
    const targets = (aliases.get(named) ?? []).flat();
    for (const id of targets) visit(id, role);
    if (role !== "mention" && targets.every((id) => isLost(table, named, id, declared))) isAnyMeant = true;
  });
  return isAnyMeant && !isKeptAsRevision(context, manifest);
}

/** Whether a repository has the manifest as a revision, and each that does keeps it in all variants: pinned, or young. */
function isKeptAsRevision({ table, policy, pins }: MarkContext, manifest: number): boolean {
  if (!table.isStored(manifest) || !isRevision(table.marks(manifest))) return false;
  return pins.has(manifest) || isYoung(policy, table.modified(manifest));
}
