import type { Finding, FindingCode } from "../mark/finding.js";
import type { Marked } from "../mark/marked.js";
import { tagPath } from "../registry/layout.js";
import { isRepositoryName, isTagName } from "../registry/reference.js";
import type { Report } from "../report/report.js";
import type { ItemKind } from "../journal/item-kinds.js";
import type { OwnObject } from "../storage/listing.js";

/** One thing to remove, as an operator would review it. */
export interface PlanItem {
  readonly kind: ItemKind;
  /** An object; for a tag, an upload and a directory, the directory. */
  readonly path: string;
  /** Bytes that it frees; 0 for links. */
  readonly bytes: number;
  readonly repository?: string | undefined;
  readonly tag?: string | undefined;
  readonly digest?: string | undefined;
  /** Of a tag whose `current/link` holds no digest: what that holds instead, in base64. */
  readonly before?: string | undefined;
  /** S3: which multipart upload of this key. */
  readonly uploadId?: string | undefined;
  /** A link whose target is missing. */
  readonly dangling?: true | undefined;
  /**
   * Of a tag and an upload: what it consists of. The sweep removes these objects and asks for no others: a thousand uploads cost no listing
   * each, and what has been written there since the mark stays.
   */
  readonly objects?: readonly OwnObject[] | undefined;
}

/** What is taken besides garbage that nothing can need. */
export interface PlanOptions {
  readonly purgeUploads: boolean;
  readonly pruneEmpty: boolean;
}

/** A part of the plan; the next one begins when it is done. */
export interface Stage {
  readonly name: string;
  /** All that went before must be durable first: even after a power cut, what links name has outlived the links. */
  readonly barrier: boolean;
  readonly items: () => Iterable<PlanItem>;
  /** What `items` come to, where that is known without them: there may be millions. */
  readonly sum?: { readonly kind: ItemKind; readonly count: number; readonly bytes: number };
}

/**
 * What a sweep removes, in safety rule 6's order: whatever refers goes before what it refers to, so that a sweep that is killed
 * leaves garbage and no broken pull. Computed from the report's findings, nothing else; of a repository that damage holds back, and
 * under names outside the grammar, nothing is taken.
 */
export function makePlan(report: Report, marked: Marked, options: PlanOptions): readonly Stage[] {
  const held = new Set(marked.repositories.filter(({ heldBlobs }) => heldBlobs !== undefined).map(({ name }) => name));
  function* itemsOf(kind: ItemKind, codes: readonly FindingCode[], choose: (finding: Finding) => boolean = () => true) {
    if (codes.length === 0) return;
    for (const finding of report.findings(codes)) {
      if (isTakeable(finding, held) && choose(finding)) yield toItem(kind, finding);
    }
  }
  // What a tag that goes has of a history goes with it.
  function* history() {
    const tags = new Set(Array.from(itemsOf("tag", ["tag-dangling"]), ({ path }) => path));
    const stays = ({ repository = "", tag = "" }: Finding): boolean => !tags.has(tagPath(repository, tag));
    yield* itemsOf("tag-index", ["tag-index-dangling"], stays);
  }
  const blobs = (name: string, barrier: boolean, isManifest: boolean): Stage => {
    const findings = report.unreferencedBlobs(isManifest);
    function* items() {
      // Without one, there is no need to look at each.
      if (findings.count > 0) for (const finding of findings) yield toItem("blob", finding);
    }
    return { name, barrier, items, sum: { kind: "blob", count: findings.count, bytes: findings.bytes } };
  };
  function* emptyRepositories() {
    if (!options.pruneEmpty) return;
    // What an abandoned upload is in stays with it, unless that goes.
    const stale = options.purgeUploads ? [] : report.findings(["upload-stale"]);
    const withUploads = new Set(Array.from(stale, ({ repository }) => repository));
    const goes = ({ repository, reclaimable }: Finding): boolean => reclaimable !== false && !withUploads.has(repository);
    yield* itemsOf("directory", ["repository-empty"], goes);
  }
  const uploads = (code: FindingCode): readonly FindingCode[] => (options.purgeUploads ? [code] : []);
  return [
    { name: "tag history", barrier: false, items: history },
    { name: "dangling tags", barrier: false, items: () => itemsOf("tag", ["tag-dangling"]) },
    { name: "manifests", barrier: false, items: () => revisions(report, held) },
    {
      name: "layer links",
      barrier: false,
      items: () => itemsOf("layer-link", ["layer-link-dangling", "layer-link-unreferenced"]),
    },
    blobs("manifest blobs", true, true),
    blobs("blobs", false, false),
    { name: "uploads", barrier: false, items: () => itemsOf("upload", uploads("upload-stale")) },
    { name: "multipart uploads", barrier: false, items: () => itemsOf("multipart", uploads("multipart-stale")) },
    { name: "empty tags", barrier: false, items: () => itemsOf("directory", ["tag-without-current"]) },
    { name: "empty repositories", barrier: false, items: emptyRepositories },
  ];
}

/** Codes whose findings say by `reclaimable` whether the policy lets them go; the others are garbage under every policy. */
const BY_POLICY: ReadonlySet<FindingCode> = new Set([
  "tag-dangling",
  "manifest-unreferenced",
  "layer-link-dangling",
  "tag-without-current",
]);

/** Codes of what consists of several objects: where they could not be listed, it stays. */
const OF_OBJECTS: ReadonlySet<FindingCode> = new Set(["tag-dangling", "upload-stale"]);

function isTakeable(finding: Finding, held: ReadonlySet<string>): boolean {
  const { code, repository, tag, reclaimable, objects } = finding;
  if (OF_OBJECTS.has(code) && objects === undefined) return false;
  if (BY_POLICY.has(code) && reclaimable !== true) return false;
  if (repository !== undefined && (held.has(repository) || !isRepositoryName(repository))) return false;
  return tag === undefined || isTagName(tag);
}

/** Untagged manifests, those that refer to others first. */
function revisions(report: Report, held: ReadonlySet<string>): PlanItem[] {
  const findings: Finding[] = [];
  for (const finding of report.findings(["manifest-unreferenced"])) if (isTakeable(finding, held)) findings.push(finding);
  return findings.sort((a, b) => (b.height ?? 0) - (a.height ?? 0)).map((finding) => toItem("revision", finding));
}

function toItem(kind: ItemKind, finding: Finding): PlanItem {
  const { repository, tag, digest, bytes, uploadId, objects } = finding;
  const isTag = kind === "tag" && repository !== undefined && tag !== undefined;
  return {
    kind,
    path: isTag ? tagPath(repository, tag) : finding.path,
    bytes: kind === "blob" || kind === "upload" || kind === "multipart" ? (bytes ?? 0) : 0,
    repository,
    tag,
    digest: digest?.toString(),
    uploadId,
    dangling: finding.code === "tag-dangling" || finding.code === "layer-link-dangling" ? true : undefined,
    objects,
  };
}

/** Only those items that `accept` takes. */
export function filterPlan(stages: readonly Stage[], accept: (item: PlanItem) => boolean): readonly Stage[] {
  return stages.map((stage) => ({
    name: stage.name,
    barrier: stage.barrier,
    *items() {
      for (const item of stage.items()) if (accept(item)) yield item;
    },
  }));
}

/** How much a plan takes, by kind. */
export interface PlanTotals {
  readonly items: Readonly<Record<ItemKind, number>>;
  readonly bytes: number;
}

/** Counts a plan. */
export function countPlan(stages: readonly Stage[]): PlanTotals {
  const items: Record<ItemKind, number> = {
    "tag-index": 0,
    tag: 0,
    revision: 0,
    "layer-link": 0,
    blob: 0,
    upload: 0,
    multipart: 0,
    directory: 0,
  };
  let bytes = 0;
  for (const stage of stages) {
    if (stage.sum !== undefined) {
      items[stage.sum.kind] += stage.sum.count;
      bytes += stage.sum.bytes;
      continue;
    }
    for (const item of stage.items()) {
      items[item.kind]++;
      bytes += item.bytes;
    }
  }
  return { items, bytes };
}
