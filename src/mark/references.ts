import { blobPath, layerLinkPath, revisionLinkPath } from "../registry/layout.js";
import type { ReferenceRole } from "../registry/manifest.js";
import { CHILD, HELD } from "./policy.js";
import type { Finding } from "./finding.js";
import type { Reachability } from "./reachability.js";
import type { MarkContext } from "./repository.js";
import type { RepositoryLinks } from "./repository-links.js";

/**
 * Follows the references of all live manifests of a repository: marks their blobs, and the layer links that they need, and reports
 * what a pull would miss. `relevant` are the bits of the selected policy: manifests that it lets go miss nothing.
 */
export function checkReferences(
  { table, store }: MarkContext,
  repository: string,
  links: RepositoryLinks,
  reachability: Reachability,
  relevant: number,
  layerMarks: Uint8Array,
  findings: Finding[],
): void {
  const reported = new Set<number>();

  const checkChild = (manifest: number, child: number): void => {
    if (reachability.has(child) || reported.has(child)) return;
    reported.add(child);
    const digest = table.digest(child);
    const detail = `it is a child of ${table.digest(manifest).toString()}`;
    findings.push({
      code: "child-missing",
      path: revisionLinkPath(repository, digest),
      repository,
      tag: reachability.tag(manifest),
      digest,
      detail,
    });
  };

  const checkBlob = (
    manifest: number,
    id: number,
    role: ReferenceRole,
    isLinked: boolean,
    declared: number | undefined,
  ): void => {
    const code = !table.isStored(id) ? "blob-missing" : isLinked ? "blob-size-mismatch" : "layer-link-missing";
    if (
      (code === "blob-size-mismatch" && declared === undefined) ||
      (code === "blob-missing" && role === "foreign-layer") ||
      reported.has(id)
    )
      return;
    reported.add(id);
    const digest = table.digest(id);
    findings.push({
      code,
      path: code === "layer-link-missing" ? layerLinkPath(repository, digest) : blobPath(digest),
      repository,
      tag: reachability.tag(manifest),
      digest,
      bytes: declared ?? (table.isStored(id) ? table.size(id) : undefined),
      detail: detailOf(
        role,
        table.digest(manifest).toString(),
        code === "blob-size-mismatch" ? { stored: table.size(id), declared } : undefined,
      ),
    });
  };

  const markLink = (id: number, marks: number): boolean => {
    const at = search(links.layers, id);
    if (at >= 0) layerMarks[at] = (layerMarks[at] ?? 0) | (marks & ~HELD);
    return at >= 0;
  };

  for (const manifest of reachability.manifests) {
    const marks = reachability.marks(manifest);
    if (marks === 0) continue;
    table.mark(manifest, marks);
    // 2.1.0 linked manifests among the layers, and 2.x still finds them there (`registry/storage/registry.go`).
    markLink(manifest, marks);
    const isRelevant = (marks & relevant) !== 0;
    store.forEachReference(manifest, (role, named, position) => {
      if (role === "subject") return;
      // A reference is resolved as the registry does: by the content of the layer link under its name (sha512 aliases).
      const id = links.aliases.get(named) ?? named;
      table.mark(id, role === "child" ? marks | CHILD : marks);
      const isLinked = markLink(named, marks) || links.damagedLayers.has(named);
      if (id !== named) markLink(id, marks);
      if (!isRelevant) return;
      // A child that is linked as a layer is one: BuildKit's cache is an index of layers (docker/buildx#173).
      if (role === "child" && (!isLinked || reachability.has(named))) checkChild(manifest, named);
      else if (!isLinked || !table.isStored(id) || store.declaredSize(position) !== undefined) {
        checkBlob(manifest, id, role, isLinked, id === named ? store.declaredSize(position) : undefined);
      }
    });
  }
}

function detailOf(
  role: ReferenceRole,
  manifest: string,
  sizes: { stored: number; declared: number | undefined } | undefined,
): string {
  const use = `${role === "config" ? "the config" : "a layer"} of ${manifest}`;
  return sizes === undefined ? `it is ${use}` : `${sizes.stored} bytes are stored, ${sizes.declared} expected; it is ${use}`;
}

/** The position of `id` in a sorted array, or -1. */
function search(sorted: Uint32Array, id: number): number {
  let low = 0;
  let high = sorted.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const value = sorted[middle] ?? 0;
    if (value === id) return middle;
    if (value < id) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}
