import { elementAt } from "../element-at.js";
import type { MarkContext } from "./context.js";
import type { MarkedRepository, ReclaimableLinks } from "./marked-repository.js";
import { layerLinkPath, revisionLinkPath } from "../registry/layout.js";
import type { RepositoryListing, StorageFault } from "../storage/listing.js";
import { fingerprintOf } from "./fingerprint.js";
import { holdsRepository } from "./finding.js";
import type { Finding, FindingCode } from "./finding.js";
import { checkAliases } from "./aliases.js";
import { checkLayerLinked } from "./layer-linked.js";
import { linkBytes } from "./link-bytes.js";
import { forEachPinnedConfig } from "./pinned.js";
import { bytesOf, namedBlobs } from "./named-blobs.js";
import { perVariant, HELD, LIVE, MANIFEST, PINNED_CONFIG, REVISION, selectedBit, VARIANT_BITS, VARIANTS } from "./policy.js";
import type { Reachability } from "./reachability.js";
import { checkEmptiness } from "./emptiness.js";
import { followReferences } from "./references.js";
import { checkReferrers } from "./referrers.js";
import { buildGraph, foreignRoots, rootsOf, youngDamagedLayers, youngLayers, youngRevisions } from "./repository-graph.js";
import type { RepositoryGraph } from "./repository-graph.js";
import type { RepositoryLinks } from "./repository-links.js";
import { checkManifests } from "./broken-manifests.js";
import { checkTags } from "./dangling-tags.js";
import { checkHistory } from "./tag-history.js";
import { objectsOfTags } from "./tag-objects.js";
import { judgeTags } from "./retention.js";
import type { JudgedTags } from "./retention.js";
import { checkUploads } from "./uploads.js";
import { checkVersions } from "./versions.js";
import { witnessOf } from "./witness.js";
import type { Witness } from "./witness.js";
import { withoutWhatChanged } from "./second-look.js";

/** A repository of which only its own roots are followed: what others keep of it is not known until all of them are marked. */
export interface PendingRepository {
  readonly owner: number;
  /** Follows what other repositories keep alive by now. Returns whether any of that is new: then others may have to do so again. */
  followOthers(): boolean;
  finish(): Promise<MarkedRepository>;
}

/**
 * Marks what a repository keeps alive, in itself and among the blobs, and says what is wrong with it; or the first of that, where it depends on
 * others.
 */
export async function markRepository(
  context: MarkContext,
  owner: number,
  listing: RepositoryListing,
): Promise<MarkedRepository | PendingRepository> {
  const mark = new RepositoryMark(context, listing, await buildGraph(context, listing));
  mark.checkManifests();
  mark.checkAliases();
  mark.judgeDamage();
  mark.checkTags();
  await mark.judgeTags();
  mark.markRoots();
  await mark.keepYoungRevisions();
  mark.followReferences();
  await mark.keepYoungDamagedLayers();
  await mark.keepYoungLayers();
  mark.own(owner);
  if (!context.table.isLeftOut(owner)) mark.show();
  const finish = async (): Promise<MarkedRepository> => {
    mark.checkVersions();
    mark.checkReferrers();
    mark.checkRevisions();
    mark.checkHistory();
    mark.checkLayerLinks();
    mark.checkUploads();
    await mark.lookAgain();
    await mark.nameObjects();
    return mark.result();
  };
  return mark.dependsOnOthers() ? { owner, followOthers: () => mark.followOthers(), finish } : finish();
}

class RepositoryMark {
  #findings: Finding[];
  readonly #selected: number;
  #layerMarks: Uint16Array = new Uint16Array();
  #referenceFindings: readonly Finding[] = [];
  #youngLayers: ReadonlySet<number> = new Set();
  #held = false;
  readonly #reclaimable = perVariant((): ReclaimableLinks => ({ revisions: 0, layerLinks: 0 }));
  #retention: JudgedTags | undefined;

  constructor(
    private readonly context: MarkContext,
    private readonly listing: RepositoryListing,
    private readonly graph: RepositoryGraph,
  ) {
    this.#findings = [...this.links.findings];
    this.#selected = selectedBit(context.policy);
  }

  private get links(): RepositoryLinks {
    return this.graph.links;
  }

  private get reachability(): Reachability {
    return this.graph.reachability;
  }

  #addAll(findings: readonly Finding[]): void {
    for (const finding of findings) this.#findings.push(finding);
  }

  #add(code: FindingCode, path: string, more: Partial<Finding>): void {
    this.#findings.push({ code, path, repository: this.listing.name, ...more });
  }

  readonly #addFault = ({ path, cause }: StorageFault): void =>
    this.#add("storage-unreadable", path, { cause: { kind: "fault", fault: cause } });

  checkManifests(): void {
    this.#addAll(checkManifests(this.context, this.graph));
  }

  checkAliases(): void {
    this.#addAll(checkAliases(this.context, this.graph));
  }

  /** Whether damage holds the repository back is known as soon as its links and manifests are checked. */
  judgeDamage(): void {
    this.#held = this.#findings.some(holdsRepository);
  }

  checkTags(): void {
    this.#addAll(checkTags(this.context, this.graph, this.#held));
  }

  /** Which tags a policy file lets go, if there is one. */
  async judgeTags(): Promise<void> {
    this.#retention = await judgeTags(this.context, this.graph, this.listing, this.#held, this.#addFault);
  }

  markRoots(): void {
    const { table } = this.context;
    const going = this.#retention?.going;
    for (const { id, bits, tag } of rootsOf(this.context, this.graph, this.#held, going)) this.reachability.mark(id, bits, tag);
    for (const id of this.links.revisions) table.mark(id, REVISION);
    if (!this.#held) return;
    for (const id of this.links.damagedLayers) table.mark(id, HELD);
    for (const id of this.links.layers) table.mark(id, HELD).mark(this.#target(id), HELD);
  }

  /** A revision link younger than the grace time may be part of a push: the times are only asked for where they decide. */
  async keepYoungRevisions(): Promise<void> {
    // A held repository keeps all its revisions; those that a mismatched link names by its content have no path of their own.
    if (this.#held) return;
    const candidates = this.links.revisions.filter((id) => (this.reachability.marks(id) & LIVE) !== LIVE);
    for (const id of await youngRevisions(this.context, this.graph, candidates, this.#addFault)) this.reachability.mark(id, LIVE);
  }

  followReferences(): void {
    const { layerMarks, findings } = followReferences(this.context, this.graph, this.#selected | HELD);
    this.#layerMarks = layerMarks;
    this.#referenceFindings = findings;
  }

  /** Whether there are manifests that others may keep, in any of the variants in which nothing does here. */
  dependsOnOthers(): boolean {
    const { reachability } = this;
    for (const { referrer, subject } of reachability.foreignReferrers())
      if (this.context.table.isStored(subject) && reachability.marks(referrer) !== reachability.accepts(referrer, LIVE))
        return true;
    return false;
  }

  followOthers(): boolean {
    const { table, policy } = this.context;
    let isNew = false;
    for (const { id, bits } of foreignRoots(table, policy, this.reachability)) isNew = this.reachability.mark(id, bits) || isNew;
    if (isNew) this.followReferences();
    return isNew;
  }

  checkVersions(): void {
    this.#addAll(checkVersions(this.context, this.graph));
  }

  checkReferrers(): void {
    this.#addAll(this.#referenceFindings);
    this.#addAll(checkLayerLinked(this.context, this.graph, this.#selected | HELD));
    this.#addAll(checkReferrers(this.context, this.listing.name, this.links, this.reachability));
  }

  checkRevisions(): void {
    const { table, policy } = this.context;
    const untagged = policy.deleteUntagged ? this.#selected : VARIANT_BITS.withDeleteUntagged;
    for (const id of this.links.revisions) {
      const marks = this.reachability.marks(id);
      this.#count("revisions", marks);
      if ((marks & (untagged | HELD)) !== 0 || !table.isStored(id)) continue;
      const digest = table.digest(id);
      this.#add("manifest-unreferenced", revisionLinkPath(this.listing.name, digest), {
        digest,
        bytes: table.size(id),
        height: this.reachability.height(id),
        reclaimable: (marks & this.#selected) === 0,
      });
    }
  }

  checkHistory(): void {
    const { context, listing, links, reachability } = this;
    this.#addAll(checkHistory(context, listing.name, links, reachability, this.#selected));
  }

  /** The blob that a layer link leads to. */
  #target(link: number): number {
    return this.links.aliases.get(link) ?? link;
  }

  /** A damaged layer link younger than the grace time may be in the middle of being written: what it names stays. */
  async keepYoungDamagedLayers(): Promise<void> {
    if (this.#held) return;
    const damaged = [...this.links.damagedLayers];
    for (const id of await youngDamagedLayers(this.context, this.graph, damaged, this.#addFault))
      this.context.table.mark(id, LIVE);
  }

  /**
   * A layer link younger than the grace time keeps its blob: the times are only asked for where they decide. Where all is held, that is
   * whether a link whose blob was not listed has been pushed since.
   */
  async keepYoungLayers(): Promise<void> {
    const { layers } = this.links;
    const { table } = this.context;
    const isUnused = (i: number): boolean => this.#layerMarks[i] !== LIVE;
    const decides = (i: number): boolean => !this.#held || !table.isStored(this.#target(elementAt(layers, i)));
    const unused = Array.from(layers.keys()).filter((i) => isUnused(i) && decides(i));
    this.#youngLayers = new Set(await youngLayers(this.context, this.graph, unused, this.#addFault));
    for (const i of this.#youngLayers) this.context.table.mark(this.#target(elementAt(layers, i)), LIVE);
  }

  checkLayerLinks(): void {
    const { table } = this.context;
    const { layers } = this.links;
    const held = this.#held ? HELD : 0;
    const isDangling = (link: number): boolean => !table.isStored(this.#target(link));
    const path = (position: number): string => layerLinkPath(this.listing.name, table.digest(elementAt(layers, position)));
    for (const [i, link] of layers.entries()) {
      if (this.#youngLayers.has(i)) continue;
      const marks = elementAt(this.#layerMarks, i) | held;
      // Where a live manifest needs the blob, it is the blob that is missing: once restored, its link is needed too.
      this.#count("layerLinks", marks);
      if (isDangling(link)) {
        if ((marks & this.#selected) === 0)
          this.#add("layer-link-dangling", path(i), { digest: table.digest(link), reclaimable: held === 0 });
      } else if ((marks & (this.#selected | HELD)) === 0) {
        this.#add("layer-link-unreferenced", path(i), { digest: table.digest(link), bytes: table.size(this.#target(link)) });
      }
    }
  }

  checkUploads(): void {
    const { uploads, name } = this.listing;
    this.#addAll(checkUploads(name, uploads, this.context.policy));
    this.#addAll(checkEmptiness(this.listing, this.links, this.#findings, this.#held));
  }

  /** What was missing when its place was listed may have arrived since, for a registry writes while it is read: no false alarms. */
  async lookAgain(): Promise<void> {
    this.#findings = await withoutWhatChanged(this.context, this.#findings);
  }

  /** Of the dangling tags that may go; those of uploads are with them already. */
  async nameObjects(): Promise<void> {
    const isDoomed = ({ code, reclaimable }: Finding): boolean => code === "tag-dangling" && reclaimable === true;
    const tags = new Set(this.#findings.flatMap((finding) => (isDoomed(finding) ? (finding.tag ?? []) : [])));
    if (tags.size === 0) return;
    const objects = await objectsOfTags(this.context.storage, this.listing, tags, this.#addFault);
    this.#findings = this.#findings.map((finding) =>
      isDoomed(finding) ? { ...finding, objects: objects.get(finding.tag ?? "") } : finding,
    );
  }

  own(owner: number): void {
    const { table, aliases } = this.context;
    for (const id of this.links.layers) table.own(this.#target(id), owner);
    for (const [id, target] of this.links.aliases) aliases.set(id, (aliases.get(id) ?? new Set()).add(target));
    for (const id of this.reachability.manifests) {
      table.own(id, owner);
      table.mark(id, MANIFEST);
      forEachPinnedConfig(this.context, this.links, id, (config) => table.mark(config, PINNED_CONFIG));
    }
  }

  /** Notes the blobs that it names, for a check that reads those of some repositories only. */
  show(): void {
    const { shownBlobs, table } = this.context;
    if (shownBlobs !== undefined) for (const id of namedBlobs(this.links, this.reachability.manifests, table)) shownBlobs[id] = 1;
  }

  result(): MarkedRepository {
    const { links, listing } = this;
    const blobs = namedBlobs(links, this.reachability.manifests, this.context.table);
    return {
      name: listing.name,
      tags: listing.tags.names.length,
      revisions: links.revisions.length,
      layerLinks: links.layers.length,
      linkBytes: linkBytes(listing),
      uploads: listing.uploads.length,
      uploadBytes: listing.uploads.reduce((sum, { bytes }) => sum + bytes, 0),
      bytes: bytesOf(blobs, this.context.table),
      reclaimable: this.#reclaimable,
      findings: this.#findings,
      fingerprint: fingerprintOf(listing),
      witness: this.#witness(),
      heldBlobs: this.#held ? blobs : undefined,
      retention: this.#retention?.result,
    };
  }

  /** A manifest is as new as its push, which wrote its blob, unless the tag was moved to an older one. */
  #witness(): Witness | undefined {
    const { table } = this.context;
    return witnessOf(this.listing, (words, at) => {
      const id = table.idOf("sha256", words, at);
      return table.isStored(id) ? table.modified(id) : 0;
    });
  }

  #count(kind: keyof ReclaimableLinks, marks: number): void {
    if ((marks & HELD) !== 0) return;
    for (const variant of VARIANTS) {
      if ((marks & VARIANT_BITS[variant]) === 0) this.#reclaimable[variant][kind]++;
    }
  }
}
