import type { Finding, FindingCode } from "../mark/finding.js";
import { FINDING_CODES } from "../mark/finding.js";
import type { Marked, MarkedPins } from "../mark/marked.js";
import { selectedVariant, VARIANTS } from "../mark/policy.js";
import type { Policy, SwitchVariant, Variant } from "../mark/policy.js";
import type { MarkedRepository } from "../mark/marked-repository.js";
import { isOfShown } from "../mark/shown.js";
import { isTrusted } from "../mark/truth.js";
import type { TruthElsewhere } from "../mark/marked.js";
import { isImpossibleSize } from "../mark/known-sizes.js";
import { isInPart } from "../mark/verify.js";
import type { Verified } from "../mark/verify.js";
import { Digest } from "../registry/digest.js";
import { costOf } from "../storage/requests.js";
import type { StoragePlace } from "../storage/identity.js";
import type { OwnData } from "../storage/own-data.js";
import type { RequestPrices, StorageRequests } from "../storage/requests.js";
import { compareFindings, noticesOfTerms } from "./baseline.js";
import type { Baseline, Comparison, FindingIdentity } from "./baseline.js";
import { bytesByState, sumReclaimable } from "./blob-sums.js";
import type { ByteState, Reclaimable } from "./blob-sums.js";
import { BlobFindings } from "./blob-findings.js";
import type { CountedFindings } from "./blob-findings.js";
import { severityOf } from "./catalogue.js";
import type { Severity } from "./severity.js";
import { inOrder, inReportOrder } from "./finding-order.js";
import { garbageAges } from "./garbage-ages.js";
import type { GarbageAge } from "./garbage-ages.js";
import { isShown } from "./repository-filter.js";
import type { RepositoryFilter } from "./repository-filter.js";
import { storedBytes } from "./stored-bytes.js";
import type { StoredBytes } from "./stored-bytes.js";
import { sumAbandoned, totalAbandoned } from "./upload-sums.js";
import type { AbandonedUploads } from "./upload-sums.js";
import { countErrors, repositoryReports } from "./repository-report.js";
import type { FindingCounts, RepositoryReport } from "./repository-report.js";

/** Everything that a check found out; every format is made of this. */
export interface Report {
  /** What the operator calls the registry, or the name of the host that made the report. */
  readonly name: string;
  /** What the operator calls the registry, if anything: a host's name may be another one each run, as a container's is. */
  readonly givenName?: string | undefined;
  readonly storage: StoragePlace;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly complete: boolean;
  /** What makes the links less than the whole truth, for people; none for an ordinary registry. */
  readonly notices: readonly string[];
  /** What else than the storage decides what is live; none for an ordinary registry. */
  readonly truthElsewhere: readonly TruthElsewhere[];
  /** Variants of the policy whose garbage is known: of any other no figure may be shown. */
  readonly trusted: ReadonlySet<Variant>;
  readonly policy: Policy;
  /** Which repositories the findings, the repositories' lines and `reclaimable` are about; undefined for all. */
  readonly filter?: RepositoryFilter | undefined;
  /** Which blobs were read to the end and compared with their digests; undefined where that was not asked for. */
  readonly verified?: Verified | undefined;
  readonly pins: MarkedPins;
  readonly totals: {
    readonly repositories: number;
    readonly tags: number;
    readonly revisions: number;
    readonly layerLinks: number;
    readonly uploads: number;
    /** Of all that lies in uploads. */
    readonly uploadBytes: number;
    readonly blobs: number;
    readonly blobBytes: number;
  };
  /** Where the bytes are, of the whole registry. */
  readonly stored: StoredBytes;
  /** What a sweep would take, with the same filter. */
  readonly reclaimable: Readonly<Record<Variant, Reclaimable>>;
  /** What regcheck itself keeps in the storage. */
  readonly own: OwnData;
  /** What a sweep with --purge-uploads takes besides. */
  readonly abandoned: AbandonedUploads;
  readonly selected: SwitchVariant;
  readonly repositories: readonly RepositoryReport[];
  readonly counts: FindingCounts;
  /** How many findings of each severity there are. */
  readonly severities: Readonly<Record<Severity, number>>;
  /** How many errors there are in each repository that has any. */
  readonly errors: ReadonlyMap<string, number>;
  readonly requests: Readonly<StorageRequests>;
  /** US dollars that the requests cost, where that is known. */
  readonly requestCost: number | undefined;
  /**
   * All findings, or those of some codes; worst code first, then by severity, then by path. There may be millions: they are made as they are asked for.
   */
  findings(codes?: readonly FindingCode[]): Iterable<Finding>;
  /** Of the findings of unreferenced blobs those of manifests, or all others. */
  unreferencedBlobs(isManifest: boolean): CountedFindings;
  /** What has changed since an earlier report, if there is one to compare with. */
  readonly baseline: Comparison | undefined;
  /** What becomes of the stored bytes, of the whole registry. Summed up when asked for, as is the next one. */
  bytesByState(): Readonly<Record<ByteState, number>>;
  /** How old the blobs are that the selected policy would take. */
  garbageAges(): readonly GarbageAge[];
}

/** What the report is about, besides what was marked. */
export interface ReportContext {
  readonly name: string;
  readonly givenName?: string | undefined;
  readonly storage: StoragePlace;
  readonly startedAt: number;
  readonly policy: Policy;
  readonly notices: readonly string[];
  readonly own: OwnData;
  readonly requests: Readonly<StorageRequests>;
  readonly requestPrices?: RequestPrices | undefined;
  /** Limits findings to matching repositories; what is live does not depend on it. */
  readonly filter?: RepositoryFilter | undefined;
  readonly baseline?: Baseline | undefined;
}

/** Sums up what was marked. */
export function makeReport(marked: Marked, context: ReportContext): Report {
  const { policy, filter } = context;
  const matches = filter?.matches ?? (() => true);
  const shown = marked.repositories.filter(({ name }) => matches(name));
  // What none links, and what a repository that is left out links too, is left to a sweep of all.
  const includesBlob = filter && ((id: number): boolean => marked.table.isWithin(id));
  const reclaimable = sumReclaimable(marked, policy, includesBlob);
  for (const repository of shown) {
    for (const variant of VARIANTS) {
      reclaimable[variant].revisions += repository.reclaimable[variant].revisions;
      reclaimable[variant].layerLinks += repository.reclaimable[variant].layerLinks;
    }
  }
  const findings = [...marked.findings, ...shown.flatMap((repository) => repository.findings)].filter((finding) =>
    isShown(finding, filter, () => concernsShown(marked, finding)),
  );
  findings.sort(inReportOrder);
  const abandoned = sumAbandoned(findings, marked);
  const blobs = new BlobFindings(marked, policy, includesBlob);
  const { deleteUntagged, dropDanglingTags, grace } = policy;
  const terms = { deleteUntagged, dropDanglingTags, grace, pins: marked.pins.given, repository: filter?.glob };
  return {
    name: context.name,
    givenName: context.givenName,
    storage: context.storage,
    startedAt: context.startedAt,
    finishedAt: Date.now(),
    complete: marked.complete,
    notices: [...context.notices, ...(context.baseline === undefined ? [] : noticesOfTerms(context.baseline.terms, terms))],
    truthElsewhere: marked.truthElsewhere,
    trusted: new Set(VARIANTS.filter((variant) => isTrusted(marked, variant))),
    policy,
    filter,
    verified: marked.verified,
    pins: marked.pins,
    totals: totalsOf(marked),
    stored: storedBytes(marked, context.own),
    own: context.own,
    reclaimable,
    abandoned: totalAbandoned(abandoned),
    selected: selectedVariant(policy),
    repositories: repositoryReports(marked, policy, { blobs, abandoned }).filter(({ name }) => matches(name)),
    ...countFindings(findings, blobs.count),
    errors: countErrors(shown),
    requests: context.requests,
    requestCost: context.requestPrices && costOf(context.requests, context.requestPrices),
    findings: (codes = FINDING_CODES) => inOrder(findings, blobs, codes),
    unreferencedBlobs: (isManifest) => new BlobFindings(marked, policy, includesBlob, isManifest),
    baseline:
      context.baseline &&
      compareFindings(context.baseline, inOrder(findings, blobs, FINDING_CODES), (corrupt) => wasRead(marked, corrupt)),
    bytesByState: () => bytesByState(marked, policy),
    garbageAges: () => garbageAges(marked.table, policy, includesBlob),
  };
}

function concernsShown({ context }: Marked, { digest }: Finding): boolean {
  return digest !== undefined && isOfShown(context, context.table.idOfDigest(digest));
}

function totalsOf({ repositories, table, blobBytes }: Marked): Report["totals"] {
  const sum = (field: (repository: MarkedRepository) => number): number =>
    repositories.reduce((total, one) => total + field(one), 0);
  return {
    repositories: repositories.length,
    tags: sum(({ tags }) => tags),
    revisions: sum(({ revisions }) => revisions),
    layerLinks: sum(({ layerLinks }) => layerLinks),
    uploads: sum(({ uploads }) => uploads),
    uploadBytes: sum(({ uploadBytes }) => uploadBytes),
    blobs: table.count,
    blobBytes,
  };
}

/** Findings by code and by severity; those of unreferenced blobs are counted only. */
function countFindings(findings: readonly Finding[], unreferencedBlobs: number): Pick<Report, "counts" | "severities"> {
  const counts: FindingCounts = {};
  const severities: Record<Severity, number> = { error: 0, warning: 0, garbage: unreferencedBlobs, info: 0 };
  for (const finding of findings) {
    counts[finding.code] = (counts[finding.code] ?? 0) + 1;
    severities[severityOf(finding)]++;
  }
  if (unreferencedBlobs > 0) counts["blob-unreferenced"] = unreferencedBlobs;
  return { counts, severities };
}

/**
 * Whether the run would have found the blob corrupt if it still were as it was: it has read it, as a manifest too, or there is none any
 * more, or its size alone gave it away, which every run looks at.
 */
function wasRead({ table, verified, context }: Marked, { digest: text = "", bytes }: FindingIdentity): boolean {
  const digest = Digest.parse(text);
  const id = digest && table.idOfDigest(digest);
  if (digest === undefined || id === undefined || !table.isStored(id)) return true;
  if (bytes !== undefined && isImpossibleSize(digest, bytes)) return isOfShown(context, id);
  if (context.shownBlobs !== undefined && context.shownBlobs[id] !== 1) return false;
  if (!context.storage.remembersManifests && context.store.has(id)) return true;
  return verified !== undefined && isInPart(digest.toWords()[0] ?? 0, verified);
}

/** The report of a run that went on to change the storage, with the requests that this took. */
export function withRequests(report: Report, requests: Readonly<StorageRequests>, prices: RequestPrices | undefined): Report {
  return { ...report, requests, requestCost: prices && costOf(requests, prices) };
}
