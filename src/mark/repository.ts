import type { MarkContext } from "./context.js";
import type { MarkedRepository, ReclaimableLinks } from "./marked-repository.js";
import type { RepositoryListing, StorageFault } from "../storage/listing.js";
import { fingerprintOf } from "./fingerprint.js";
import { holdsRepository } from "./finding.js";
import type { Finding, FindingCode } from "./finding.js";
import { checkAliases } from "./aliases.js";
import { checkLayerLinked } from "./layer-linked.js";
import { checkLayerLinks } from "./layer-links.js";
import { linkBytes } from "./link-bytes.js";
import { bytesOf, namedBlobs } from "./named-blobs.js";
import { ownBlobs } from "./own-blobs.js";
import { isLostPin } from "./pinned.js";
import { perVariant, HELD, isLiveInAll, LIVE, REVISION, selectedBit, VARIANT_BITS, VARIANTS } from "./policy.js";
import type { Reachability } from "./reachability.js";
import { checkEmptiness } from "./emptiness.js";
import { followReferences } from "./references.js";
import { checkReferrers } from "./referrers.js";
import { buildGraph, lifeOf, rootsOf, subjectRoots } from "./repository-graph.js";
import type { RepositoryGraph } from "./repository-graph.js";
import { resolveLayer } from "./repository-links.js";
import { findWrongTagAliases, isLostTarget } from "./tag-aliases.js";
import { addUnreadOnce } from "./verify.js";
import { wrongAlias } from "./verify-aliases.js";
import type { RepositoryLinks } from "./repository-links.js";
import { checkManifests } from "./broken-manifests.js";
import { checkTags } from "./dangling-tags.js";
import { checkHistory } from "./tag-history.js";
import { withObjects } from "./tag-objects.js";
import { judgeTags, withTagsKept } from "./retention.js";
import type { JudgedTags } from "./retention.js";
import { checkRevisions } from "./unreferenced-revisions.js";
import { checkUploads } from "./uploads.js";
import { checkVersions } from "./versions.js";
import { witnessOf } from "./witness.js";
import { keepYoungDamagedLayers, keepYoungLayers, keepYoungRevisions } from "./keep-young.js";
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
  const graph = await buildGraph(context, listing);
  const mark = new RepositoryMark(context, listing, graph);
  mark.checkManifests();
  await mark.checkAliases();
  mark.judgeDamage();
  mark.checkTags();
  await mark.judgeTags();
  mark.markRoots();
  await mark.keepYoungRevisions();
  mark.followReferences();
  await mark.keepYoungLayers();
  ownBlobs(context, graph, owner);
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
  /** Links by another algorithm that are known to lead to another content. */
  readonly #wrongAliases = new Set<number>();
  readonly #reclaimable = perVariant((): ReclaimableLinks => ({ revisions: 0, layerLinks: 0 }));
  #retention: JudgedTags | undefined;
  /** Those of the tags that a policy file lets go which others keep. */
  readonly #keptTags = new Set<string>();

  constructor(
    private readonly context: MarkContext,
    private readonly listing: RepositoryListing,
    private readonly graph: RepositoryGraph,
  ) {
    this.#findings = [...this.links.findings];
    this.#selected = selectedBit(context.policy);
    for (const fault of graph.faults) this.#addFault(fault);
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

  async checkAliases(): Promise<void> {
    this.#addAll(checkAliases(this.context, this.graph));
    const { context, listing } = this;
    const told = new Set<string>();
    const onFaults = (faults: readonly StorageFault[]): void => addUnreadOnce(context, this.#findings, faults, told);
    for (const alias of await findWrongTagAliases(context, this.graph, onFaults)) {
      this.#wrongAliases.add(alias.named);
      this.#findings.push(wrongAlias(context.table, listing.name, alias));
    }
  }

  /** Whether damage holds the repository back is known as soon as its links and manifests are checked. */
  judgeDamage(): void {
    const { table, pins } = this.context;
    this.#findings = this.#findings.map((one) => (isLostPin(table, pins, one) ? { ...one, holds: true } : one));
    const hasLostTag = this.links.tags.some(({ target }) => isLostTarget(this.context, this.graph, target));
    this.#held = hasLostTag || this.#findings.some(holdsRepository);
  }

  checkTags(): void {
    this.#addAll(checkTags(this.context, this.graph, this.#held));
  }

  /** Which tags a policy file lets go, if there is one. */
  async judgeTags(): Promise<void> {
    this.#retention = await judgeTags(this.context, this.graph, this.listing, this.#held, this.#addFault);
  }

  markRoots(): void {
    const { table, lostManifests } = this.context;
    const going = this.#retention?.going;
    for (const { id, bits, tag } of rootsOf(this.context, this.graph, this.#held, going)) this.reachability.mark(id, bits, tag);
    for (const id of this.links.revisions) {
      table.mark(id, REVISION);
      if (!table.isStored(id)) lostManifests.add(id);
    }
    if (!this.#held) return;
    for (const id of this.links.damagedLayers) table.mark(id, HELD);
    for (const id of this.links.layers) table.mark(id, HELD).mark(resolveLayer(this.links, id), HELD);
  }

  /** What is younger than the grace time may be part of a push: the times are only asked for where they decide. */
  async keepYoungRevisions(): Promise<void> {
    // A held repository keeps all its revisions; those that a mismatched link names by its content have no path of their own.
    if (!this.#held) await keepYoungRevisions(this.context, this.graph, this.#addFault);
  }

  async keepYoungLayers(): Promise<void> {
    if (!this.#held) await keepYoungDamagedLayers(this.context, this.graph, this.#addFault);
    this.#youngLayers = await keepYoungLayers(this.context, this.graph, this.#layerMarks, this.#held, this.#addFault);
  }

  followReferences(): void {
    const { layerMarks, findings } = followReferences(this.context, this.graph, this.#selected | HELD);
    this.#layerMarks = layerMarks;
    this.#referenceFindings = findings;
  }

  /** Whether there are referrers that others may keep, in any of the variants in which nothing does here. */
  dependsOnOthers(): boolean {
    const { reachability } = this;
    const isOpen = ({ referrer }: { referrer: number }): boolean =>
      (reachability.marks(referrer) & LIVE) !== reachability.accepts(referrer, LIVE);
    for (const one of reachability.referrers()) if (isOpen(one)) return true;
    if (reachability.lostSubjects.some(isOpen)) return true;
    return (this.#retention?.referrers ?? []).length > 0;
  }

  followOthers(): boolean {
    let isNew = false;
    for (const { id, bits } of subjectRoots(this.context, this.reachability, this.#held))
      isNew = this.reachability.mark(id, bits) || isNew;
    isNew = this.#keepTagsOfReferrers() || isNew;
    if (isNew) this.followReferences();
    return isNew;
  }

  /** The tag of a referrer does not go while another repository keeps its subject. Returns whether any of that is new. */
  #keepTagsOfReferrers(): boolean {
    let isNew = false;
    for (const { tag, image, subject } of this.#retention?.referrers ?? []) {
      const isKept = (lifeOf(this.context, subject, this.#held) & VARIANT_BITS.withPolicy) !== 0;
      if (!isKept || this.#keptTags.has(tag)) continue;
      this.#keptTags.add(tag);
      isNew = true;
      this.reachability.mark(image, LIVE);
    }
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
    this.#addAll(checkRevisions(this.context, this.graph, this.#selected, (marks) => this.#count("revisions", marks)));
  }

  checkHistory(): void {
    const { context, listing, links, reachability } = this;
    this.#addAll(checkHistory(context, listing.name, links, reachability, this.#selected));
  }

  checkLayerLinks(): void {
    const known = { marks: this.#layerMarks, young: this.#youngLayers, isHeld: this.#held, selected: this.#selected };
    this.#addAll(checkLayerLinks(this.context, this.graph, known, (marks) => this.#count("layerLinks", marks)));
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
    const faults: StorageFault[] = [];
    this.#findings = await withObjects(this.context.storage, this.listing, this.#findings, (fault) => faults.push(fault));
    for (const fault of faults) this.#addFault(fault);
  }

  result(): MarkedRepository {
    const { links, listing } = this;
    const blobs = namedBlobs(links, this.reachability.manifests, this.context.table);
    return {
      name: listing.name,
      tags: listing.tags.names.length,
      emptyTags: links.emptyTags,
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
      aliased: links.aliases.size === 0 ? undefined : { links: this.#unproven(), blobs },
      retention: this.#retention && withTagsKept(this.#retention.result, this.#keptTags),
    };
  }

  /** What `--verify` has to prove: links by another algorithm that are not known to be wrong. */
  #unproven(): ReadonlyMap<number, number> {
    return new Map([...this.links.aliases].filter(([named]) => !this.#wrongAliases.has(named)));
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
    if ((marks & HELD) !== 0 || isLiveInAll(marks)) return;
    for (const variant of VARIANTS) {
      if ((marks & VARIANT_BITS[variant]) === 0) this.#reclaimable[variant][kind]++;
    }
  }
}
