import { blobPath, layerLinkPath, revisionLinkPath } from "../registry/layout.js";
import type { ReferenceRole } from "../registry/manifest.js";
import type { Finding } from "./finding.js";
import { CHILD, HELD } from "./policy.js";
import type { MarkContext } from "./context.js";
import type { RepositoryGraph } from "./repository-graph.js";

/** What following the references of a repository's live manifests came to. */
export interface FollowedReferences {
  /** For each of `links.layers`, the variants in which a live manifest needs it. */
  readonly layerMarks: Uint16Array;
  readonly findings: readonly Finding[];
}

/**
 * Follows the references of all live manifests of a repository: marks their blobs, and the layer links that they need, and reports
 * what a pull would miss. `relevant` are the bits of the selected policy: manifests that it lets go miss nothing.
 */
export function followReferences(context: MarkContext, graph: RepositoryGraph, relevant: number): FollowedReferences {
  const follower = new Follower(context, graph, relevant);
  for (const manifest of graph.reachability.manifests) follower.follow(manifest);
  return follower;
}

class Follower implements FollowedReferences {
  readonly layerMarks: Uint16Array;
  readonly findings: Finding[] = [];
  /** What a finding is about already, by number. */
  readonly #reported = new Set<number>();
  /** Manifests that say another size of a blob than is stored. */
  readonly #wrongSizes = new Set<number>();

  constructor(
    private readonly context: MarkContext,
    private readonly graph: RepositoryGraph,
    private readonly relevant: number,
  ) {
    this.layerMarks = new Uint16Array(graph.links.layers.length);
  }

  follow(manifest: number): void {
    const { table, store } = this.context;
    const { links, reachability } = this.graph;
    const marks = reachability.marks(manifest);
    if (marks === 0) return;
    table.mark(manifest, marks);
    // 2.1.0 linked manifests among the layers, and 2.x still finds them there (`registry/storage/registry.go`).
    this.#markLink(manifest, marks);
    const isRelevant = (marks & this.relevant) !== 0;
    store.forEachReference(manifest, (role, named, position) => {
      if (role === "subject") return;
      // A reference is resolved as the registry does: by the content of the layer link under its name (sha512 aliases).
      const id = links.aliases.get(named) ?? named;
      table.mark(id, role === "child" ? marks | CHILD : marks);
      const isLinked = this.#markLink(named, marks) || links.damagedLayers.has(named);
      if (id !== named) this.#markLink(id, marks);
      if (!isRelevant || role === "mention") return;
      // A child that is linked as a layer is one: BuildKit's cache is an index of layers (docker/buildx#173).
      if (role === "child" && (!isLinked || reachability.has(named))) this.#checkChild(manifest, named);
      else if (!isLinked || !table.isStored(id) || store.declaredSize(position) !== undefined) {
        this.#checkBlob({ manifest, id, role, isLinked, declared: id === named ? store.declaredSize(position) : undefined });
      }
    });
  }

  /** Whether there is such a layer link. */
  #markLink(id: number, marks: number): boolean {
    const at = search(this.graph.links.layers, id);
    if (at >= 0) this.layerMarks[at] = (this.layerMarks[at] ?? 0) | (marks & ~HELD);
    return at >= 0;
  }

  #checkChild(manifest: number, child: number): void {
    const { reachability, name } = this.graph;
    if (reachability.has(child) || this.#reported.has(child)) return;
    const { table } = this.context;
    const detail = `it is a child of ${table.digest(manifest).toString()}`;
    this.#report("child-missing", manifest, child, { path: revisionLinkPath(name, table.digest(child)), detail });
  }

  #checkBlob({ manifest, id, role, isLinked, declared }: BlobReference): void {
    const { table } = this.context;
    const code = !table.isStored(id) ? "blob-missing" : isLinked ? "blob-size-mismatch" : "layer-link-missing";
    if (
      (code === "blob-size-mismatch" && declared === undefined) ||
      (code === "blob-missing" && role === "foreign-layer") ||
      // Whether the blob is to blame for a wrong size, or each of the manifests that say it, is not known yet.
      (this.#reported.has(id) && (code !== "blob-size-mismatch" || this.#wrongSizes.has(manifest)))
    )
      return;
    if (code === "blob-size-mismatch") this.#wrongSizes.add(manifest);
    const digest = table.digest(id);
    const stored = table.isStored(id) ? table.size(id) : undefined;
    const use = `it is ${role === "config" ? "the config" : "a layer"} of ${table.digest(manifest).toString()}`;
    this.#report(code, manifest, id, {
      path: code === "layer-link-missing" ? layerLinkPath(this.graph.name, digest) : blobPath(digest),
      bytes: declared ?? stored,
      ...(code === "blob-size-mismatch"
        ? { detail: `${stored} bytes are stored, ${declared} expected; ${use}`, manifest: table.digest(manifest) }
        : { detail: use }),
    });
  }

  #report(
    code: Finding["code"],
    manifest: number,
    id: number,
    more: Pick<Finding, "path" | "detail" | "manifest"> & Pick<Partial<Finding>, "bytes">,
  ): void {
    this.#reported.add(id);
    const { name, reachability } = this.graph;
    const digest = this.context.table.digest(id);
    this.findings.push({ code, repository: name, tag: reachability.tag(manifest), digest, ...more });
  }
}

/** A blob that a manifest names. */
interface BlobReference {
  readonly manifest: number;
  readonly id: number;
  readonly role: ReferenceRole;
  readonly isLinked: boolean;
  /** Bytes that the manifest says, where that is not what is stored. */
  readonly declared: number | undefined;
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
