import { Digest } from "../registry/digest.js";
import { layerLinkPath, repositoryPath, revisionLinkPath, tagPath } from "../registry/layout.js";
import { parseLink } from "../registry/link.js";
import { isRepositoryName, isTagName } from "../registry/reference.js";
import type { OddLink, RepositoryListing } from "../storage/listing.js";
import type { BlobTable } from "./blob-table.js";
import type { Cause } from "./cause.js";
import { findMeanings } from "./meanings.js";
import { strayFinding } from "./strays.js";
import type { Finding, FindingCode } from "./finding.js";
import { search, sortLayers, timesById } from "./sorted-ids.js";
import { resolveTagLinks } from "./tag-links.js";
import type { Tag, TagHistoryEntry } from "./tag-links.js";

/** A repository's links by blob number, and what is wrong with the links themselves. */
export interface RepositoryLinks {
  /** Manifests with a revision link, in order; a damaged link counts, so that what it names stays. */
  readonly revisions: readonly number[];
  /** Those of `revisions` that only a mismatched link names, by its content: no registry finds them by their own digest. */
  readonly mismatched: ReadonlySet<number>;
  /** By name. */
  readonly tags: readonly Tag[];
  /** What sound layer links name by path, sorted, stored or not. */
  readonly layers: Uint32Array;
  /** Seconds since 1970 beside each of `layers`, where the storage told. */
  readonly layerTimes: Uint32Array | undefined;
  /** The same by revision. */
  readonly revisionTimes: ReadonlyMap<number, number> | undefined;
  /** Those of `layers` that are links by another algorithm to a sha256 blob, as the registry writes them: from one number to the other. */
  readonly aliases: ReadonlyMap<number, number>;
  /** What each of these may mean: what it leads to, and what else it may have led to. */
  readonly meanings: ReadonlyMap<number, readonly number[]>;
  /** What damaged layer links name by path or by content: linked after all, but to be repaired. */
  readonly damagedLayers: ReadonlySet<number>;
  /** Those of `damagedLayers` that have such a link of their own, and are not only named by the content of another's. */
  readonly damagedLayerLinks: ReadonlySet<number>;
  readonly history: readonly TagHistoryEntry[];
  /** What the history of tags names whose `current/link` is damaged or gone, or holds none of it: each may be what the tag named last. */
  readonly lostTargets: readonly number[];
  /** How many tags have neither a link nor a history. */
  readonly emptyTags: number;
  readonly findings: Finding[];
}

/** Turns a listing's digests into numbers and judges each link by itself. */
export function resolveLinks(listing: RepositoryListing, table: BlobTable): RepositoryLinks {
  return new Resolver(listing, table).resolve();
}

/** Whether a layer link has the name of this digest, sound or damaged. */
export function isLayerLinked({ layers, damagedLayerLinks }: RepositoryLinks, named: number): boolean {
  return damagedLayerLinks.has(named) || search(layers, named) >= 0;
}

/** The blob that the layer link of this name leads to. */
export function resolveLayer({ aliases }: RepositoryLinks, named: number): number {
  return aliases.get(named) ?? named;
}

class Resolver {
  readonly #findings: Finding[] = [];
  readonly #revisions = new Set<number>();
  readonly #mismatched = new Set<number>();
  readonly #aliases = new Map<number, number>();
  readonly #aliasLinks: { readonly id: number; readonly target: number; readonly modified: number | undefined }[] = [];
  readonly #damagedLayers = new Set<number>();
  readonly #damagedLayerLinks = new Set<number>();
  readonly #oddLayers: { readonly id: number; readonly modified: number | undefined }[] = [];

  constructor(
    private readonly listing: RepositoryListing,
    private readonly table: BlobTable,
  ) {}

  resolve(): RepositoryLinks {
    const { revisions, layers } = this.listing;
    this.#checkNames();
    const revisionIds = this.#ids(revisions.digests);
    for (const id of revisionIds) this.#revisions.add(id);
    for (const link of this.listing.oddLinks) this.#resolveOddLink(link);
    this.#resolveAliases();
    for (const id of this.#mismatched) if (this.#revisions.has(id)) this.#mismatched.delete(id);
    const revisionLinks = [...this.#revisions, ...this.#mismatched];
    const layerIds = this.#ids(layers.digests);
    const sorted = sortLayers(layerIds, layers.modified, this.#oddLayers);
    const isLayer = (id: number): boolean => this.#damagedLayerLinks.has(id) || search(sorted.layers, id) >= 0;
    const isFound = (id: number): boolean => this.#revisions.has(id) || this.#mismatched.has(id) || isLayer(id);
    const { tags, history, lostTargets, empty, findings } = resolveTagLinks(this.listing, this.table, isFound);
    for (const finding of findings) this.#findings.push(finding);
    return {
      // In order, whatever the storage's: which tag or manifest a finding names must not depend on a listing.
      revisions: [...Uint32Array.from(revisionLinks).sort()],
      mismatched: this.#mismatched,
      tags,
      layers: sorted.layers,
      layerTimes: sorted.layerTimes,
      revisionTimes: timesById(revisionIds, revisions.modified),
      aliases: this.#aliases,
      meanings: findMeanings(this.table, this.#aliases, [sorted.layers, this.#damagedLayerLinks]),
      damagedLayers: this.#damagedLayers,
      damagedLayerLinks: this.#damagedLayerLinks,
      history,
      lostTargets,
      emptyTags: empty,
      findings: this.#findings,
    };
  }

  #add(code: FindingCode, path: string, more: Partial<Finding> = {}): void {
    this.#findings.push({ code, path, repository: this.listing.name, ...more });
  }

  #ids(words: Uint32Array): Uint32Array {
    const positions = new Uint32Array(words.length / 8);
    for (let i = 0; i < positions.length; i++) positions[i] = i * 8;
    return this.table.idsOf("sha256", words, positions);
  }

  #checkNames(): void {
    const { name, isRepository, tags, strays, faults } = this.listing;
    if (isRepository && !isRepositoryName(name)) this.#add("repository-name-invalid", repositoryPath(name));
    for (const tag of tags.names) if (!isTagName(tag)) this.#add("tag-name-invalid", tagPath(name, tag), { tag });
    const repository = isRepository ? name : undefined;
    for (const stray of strays) this.#findings.push({ ...strayFinding(stray), repository });
    for (const path of this.listing.archived ?? []) this.#add("object-archived", path);
    for (const { path, cause } of faults)
      this.#add("storage-unreadable", path, { repository, cause: { kind: "fault", fault: cause } });
  }

  #resolveOddLink({ section, algorithm, hex, content, modified }: OddLink): void {
    const named = Digest.fromParts(algorithm, hex);
    if (named === undefined) throw new RangeError(`the listing holds a malformed digest ${algorithm}:${hex}`);
    const isRevision = section === "revisions";
    const path = isRevision ? revisionLinkPath(this.listing.name, named) : layerLinkPath(this.listing.name, named);
    const link = parseLink(content);
    const id = this.table.idOfDigest(named);
    if (isRevision) this.#revisions.add(id);
    if ("problem" in link) {
      if (!isRevision) this.#addDamagedLayer(id);
      this.#add(isRevision ? "revision-link-invalid" : "layer-link-invalid", path, {
        digest: named,
        cause: { kind: "link-problem", problem: link.problem },
      });
      return;
    }
    const target = this.table.idOfDigest(link.digest);
    if (target === id) {
      if (!isRevision) this.#oddLayers.push({ id, modified });
    } else if (!isRevision && algorithm !== "sha256" && link.digest.algorithm === "sha256") {
      this.#aliasLinks.push({ id, target, modified });
    } else {
      if (isRevision) this.#mismatched.add(target);
      else this.#addDamagedLayer(id, target);
      const of = isRevision ? "manifest" : "layer";
      this.#add("link-mismatch", path, { digest: named, cause: { kind: "holds-another", held: link.digest, of } });
    }
  }

  /** A damaged layer link may mean what its path names, and what it holds. */
  #addDamagedLayer(named: number, held?: number): void {
    this.#damagedLayerLinks.add(named);
    this.#damagedLayers.add(named);
    if (held !== undefined) this.#damagedLayers.add(held);
  }

  /** A link of another algorithm tells what its digest is stored as: one that contradicts something else may mean any blob. */
  #resolveAliases(): void {
    // A content has one digest of each algorithm.
    const keyOf = ({ id, target }: { id: number; target: number }): string => `${this.table.algorithm(id)} ${target}`;
    const links = new Map<string, number>();
    for (const link of this.#aliasLinks) links.set(keyOf(link), (links.get(keyOf(link)) ?? 0) + 1);
    for (const link of this.#aliasLinks) {
      const { id, target, modified } = link;
      const isContradicted = this.table.isStored(id) || links.get(keyOf(link)) !== 1;
      if (!isContradicted) {
        this.#aliases.set(id, target);
        this.#oddLayers.push({ id, modified });
        continue;
      }
      this.#addDamagedLayer(id, target);
      const digest = this.table.digest(id);
      const by = this.table.isStored(id) ? "own-blob" : "another-link";
      const cause: Cause = { kind: "contradicted-alias", held: this.table.digest(target), by };
      this.#add("link-mismatch", layerLinkPath(this.listing.name, digest), { digest, cause });
    }
  }
}
