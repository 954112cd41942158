import { noElement } from "../element-at.js";
import { blobPath, layerLinkPath, revisionLinkPath } from "../registry/layout.js";
import type { ReferenceRole } from "../registry/manifest.js";
import type { Finding, FindingCode } from "./finding.js";
import { CHILD, HELD, LIVE } from "./policy.js";
import type { MarkContext } from "./context.js";
import type { RepositoryGraph } from "./repository-graph.js";
import { isLayerLinked, resolveLayer } from "./repository-links.js";
import { isLost } from "./meant-blobs.js";
import { search } from "./sorted-ids.js";

/** The result of following the references of a repository's live manifests. */
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
  follower.markTaggedLinks();
  follower.markPinnedLinks();
  follower.keepLost();
  return follower;
}

class Follower implements FollowedReferences {
  readonly layerMarks: Uint16Array;
  readonly findings: Finding[] = [];
  /** Marks of the manifests with a reference of which nobody can tell what it is stored as. */
  #lostMarks = 0;
  /** What a finding of each code is about already, by number: a mild one must not hide another. */
  readonly #reported = new Map<FindingCode, Set<number>>();
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
    const spread = new Lists();
    store.forEachReference(manifest, (role, named, position) => {
      if (role === "subject") {
        // Without the link that tells what it is stored as, the next run would not find it.
        if (links.aliases.has(named)) this.#markLink(named, marks);
        return;
      }
      // A reference is resolved as the registry does: by the content of the layer link under its name (aliases).
      const id = resolveLayer(links, named);
      table.mark(id, role === "child" ? marks | CHILD : marks);
      const isLinked = this.#markLink(named, marks) || isLayerLinked(links, named);
      for (const meant of spread.once(links.meanings.get(named))) {
        this.#markLink(meant, marks);
        table.mark(meant, marks);
      }
      if (role === "mention") return;
      const declared = store.declaredSize(position);
      const lost = !table.isStored(named) && isLost(table, named, id, declared);
      if (lost) {
        this.#lostMarks |= marks;
        if (declared !== undefined) this.context.lostSizes.add(declared, role === "child", marks);
      }
      const isInOrder = isLinked && declared === undefined && table.isStored(id) && role !== "child";
      if (isRelevant && !isInOrder) this.#check({ manifest, named, id, role, isLinked, declared }, lost);
    });
  }

  #check(reference: BlobReference, lost: boolean): void {
    const { manifest, named, id, role, isLinked, declared } = reference;
    // A child that is linked as a layer is one: BuildKit's cache is an index of layers (docker/buildx#173).
    if (role === "child" && (!isLinked || this.graph.reachability.has(id))) this.#checkChild(manifest, named, declared);
    else if (lost && id === named) this.#checkLost(manifest, named, role, isLinked);
    else this.#checkBlob({ ...reference, declared: id === named ? declared : undefined });
  }

  /** A tag that names its manifest by another algorithm needs the link that says what it is stored as. */
  markTaggedLinks(): void {
    const { links, reachability } = this.graph;
    if (links.aliases.size === 0) return;
    for (const { target } of [...links.tags, ...links.history])
      this.#markLink(target, reachability.marks(reachability.resolve(target)));
  }

  /** A pin needs its link: without it nobody gets the blob, and of another algorithm's digest the next run would not know what it keeps. */
  markPinnedLinks(): void {
    const { pins } = this.context;
    if (pins.size > 0) for (const id of this.graph.links.layers) if (pins.has(id)) this.#markLink(id, LIVE);
  }

  /** What a lost link may have meant: all that the repository's layer links name, for a registry links what a reference leads to. */
  keepLost(): void {
    const { links } = this.graph;
    const marks = this.#lostMarks;
    if (marks === 0) return;
    for (const id of links.layers) {
      this.#markLink(id, marks);
      this.context.table.mark(resolveLayer(links, id), marks);
    }
    for (const id of links.damagedLayers) this.context.table.mark(id, marks);
  }

  /** Whether there is such a layer link. */
  #markLink(id: number, marks: number): boolean {
    const at = search(this.graph.links.layers, id);
    if (at >= 0) this.layerMarks[at] = (this.layerMarks[at] ?? noElement(at, this.layerMarks)) | (marks & ~HELD);
    return at >= 0;
  }

  #checkChild(manifest: number, child: number, declared: number | undefined): void {
    const { reachability, name, manifests } = this.graph;
    const found = reachability.resolve(child);
    if (reachability.has(found) && !manifests.recoverable.has(found)) {
      this.#checkChildSize(manifest, found, declared);
      return;
    }
    if (this.#isReported("child-missing", child)) return;
    const { table } = this.context;
    this.#report("child-missing", manifest, child, "child", { path: revisionLinkPath(name, table.digest(child)) });
  }

  /** A manifest was hashed when it was read: if it is sound, whoever says another size of it is wrong. */
  #checkChildSize(manifest: number, child: number, declared: number | undefined): void {
    const { table, store } = this.context;
    if (declared === undefined || !table.isStored(child) || table.size(child) === declared) return;
    const problem = store.problem(child)?.kind;
    if (problem !== undefined && problem !== "invalid") return;
    if (this.#isReported("manifest-size-wrong", manifest)) return;
    this.#setReported("manifest-size-wrong", manifest);
    const digest = table.digest(manifest);
    const cause = { kind: "wrong-size", blob: table.digest(child), declared, stored: table.size(child) } as const;
    const { name: repository, reachability } = this.graph;
    const tag = reachability.tag(manifest);
    this.findings.push({ code: "manifest-size-wrong", path: blobPath(digest), repository, tag, digest, cause });
  }

  #checkLost(manifest: number, named: number, role: ReferenceRole, isLinked: boolean): void {
    // A damaged link is reported by itself.
    if (isLinked || role === "foreign-layer" || this.#isReported("layer-link-missing", named)) return;
    const { table } = this.context;
    const path = layerLinkPath(this.graph.name, table.digest(named));
    this.#report("layer-link-missing", manifest, named, role, { path, cause: { kind: "lost-alias" } });
  }

  #checkBlob({ manifest, id, role, isLinked, declared }: BlobReference): void {
    const { table } = this.context;
    const code = !table.isStored(id) ? "blob-missing" : isLinked ? "blob-size-mismatch" : "layer-link-missing";
    if (code === "blob-size-mismatch" ? declared === undefined : role === "foreign-layer") return;
    // Whether the blob is wrong, or each of the manifests that say another size, is not known yet.
    const isAnother = code === "blob-size-mismatch" && !this.#wrongSizes.has(manifest);
    if (this.#isReported(code, id) && !isAnother) return;
    if (code === "blob-size-mismatch") this.#wrongSizes.add(manifest);
    const digest = table.digest(id);
    const stored = table.isStored(id) ? table.size(id) : undefined;
    const isWrongSize = code === "blob-size-mismatch" && stored !== undefined && declared !== undefined;
    this.#report(code, manifest, id, role, {
      path: code === "layer-link-missing" ? layerLinkPath(this.graph.name, digest) : blobPath(digest),
      bytes: declared ?? stored,
      cause: isWrongSize ? { kind: "size", stored, expected: declared } : undefined,
    });
  }

  #isReported(code: FindingCode, id: number): boolean {
    return this.#reported.get(code)?.has(id) === true;
  }

  #setReported(code: FindingCode, id: number): void {
    this.#reported.set(code, (this.#reported.get(code) ?? new Set()).add(id));
  }

  #report(
    code: FindingCode,
    manifest: number,
    id: number,
    as: ReferenceRole,
    more: Pick<Finding, "path" | "cause" | "bytes">,
  ): void {
    this.#setReported(code, id);
    const { name, reachability } = this.graph;
    const { table } = this.context;
    const usedBy = { digest: table.digest(manifest), as };
    this.findings.push({ code, repository: name, tag: reachability.tag(manifest), digest: table.digest(id), usedBy, ...more });
  }
}

/** Lists that are gone through once: whoever may push decides how often a manifest names the same, or another of the same size. */
class Lists {
  readonly #known = new Set<readonly number[]>();

  once(list: readonly number[] = NOTHING): readonly number[] {
    return this.#known.size === this.#known.add(list).size ? NOTHING : list;
  }
}

const NOTHING: readonly number[] = [];

/** A blob that a manifest names. */
interface BlobReference {
  readonly manifest: number;
  readonly named: number;
  /** What is stored for it. */
  readonly id: number;
  readonly role: ReferenceRole;
  readonly isLinked: boolean;
  /** Bytes that the manifest says, where that is not what is stored. */
  readonly declared: number | undefined;
}
