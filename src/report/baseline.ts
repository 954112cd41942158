import { hash } from "node:crypto";
import { FINDING_CODES } from "../mark/finding.js";
import type { Finding, FindingCode } from "../mark/finding.js";
import { mayBeMilder, scopeOf, severityOf } from "./catalogue.js";
import type { Severity } from "./severity.js";
import { FingerprintSet } from "./fingerprint-set.js";
import type { Fingerprint } from "./fingerprint-set.js";
import type { FindingCounts } from "./repository-report.js";

/** An earlier report, as far as a later one is compared with it. */
export interface Baseline {
  /** When that run began, in milliseconds since 1970. */
  readonly startedAt: number;
  /** Whether that run could read everything: if not, what looks new may only have been out of its sight. */
  readonly complete: boolean;
  readonly terms: ReportTerms;
  readonly findings: BaselineFindings;
}

/** What a run was told: two runs that were told different things find different things in the same registry. */
export interface ReportTerms {
  readonly deleteUntagged: boolean;
  readonly dropDanglingTags: boolean;
  /** Seconds. */
  readonly grace: number;
  /** How many digests `--keep` gave. */
  readonly pins: number;
  /** The glob of `--repository`. */
  readonly repository?: string | undefined;
}

/** What makes a finding the same in two reports; all but `bytes`. */
export interface FindingIdentity {
  readonly code: FindingCode;
  readonly path: string;
  readonly repository?: string | undefined;
  /** As text. */
  readonly digest?: string | undefined;
  readonly uploadId?: string | undefined;
  readonly rule?: string | undefined;
  /** Tells findings of one code apart that are errors or milder. */
  readonly severity?: string | undefined;
  /** What was stored of a corrupt blob: a size may be what gave it away. */
  readonly bytes?: number | undefined;
}

/** One finding for each rule of the bucket, whatever object it is shown by. */
const PATHLESS: ReadonlySet<FindingCode> = new Set(["bucket-expires"]);

/**
 * The findings of an earlier report, by their fingerprints: millions fit in memory. A finding is the same if code, path, repository,
 * digest, upload and rule are, and whether it is an error. What may change without anything new being wrong is left out: bytes and messages, whether a dangling tag is
 * recoverable, and the tag, which is in the path where the finding is about it, and otherwise just one way to get there.
 */
export class BaselineFindings {
  readonly #set = new FingerprintSet();
  /** Only a run that reads the blob finds it again or finds it sound: these must be known in full. Rot is rare. */
  readonly #corrupt: FindingIdentity[] = [];

  add(identity: FindingIdentity): void {
    if (identity.code === "blob-corrupt") this.#corrupt.push(identity);
    this.#set.add(fingerprintOf(identity), FINDING_CODES.indexOf(identity.code));
  }

  /** Adds a finding of which it is not known whether the later report is about it too: it is not new there, and never gone. */
  addUnsure(identity: FindingIdentity): void {
    const fingerprint = fingerprintOf(identity);
    if (this.#set.has(fingerprint)) return;
    this.#set.add(fingerprint, FINDING_CODES.indexOf(identity.code));
    this.#set.tick(fingerprint);
  }

  /** Whether the finding was there. */
  has(finding: Finding): boolean {
    return this.#set.has(fingerprintOf(identityOf(finding)));
  }

  /** Notes that the finding is still there. Returns whether it was there. */
  tick(finding: Finding): boolean {
    return this.#set.tick(fingerprintOf(identityOf(finding)));
  }

  /** Ticks off what a later run has not looked at, and returns it: it is neither found again nor gone. */
  tickUnread(wasRead: (identity: FindingIdentity) => boolean): readonly FindingIdentity[] {
    const unread = this.#corrupt.filter((one) => !this.#set.isTicked(fingerprintOf(one)) && !wasRead(one));
    for (const one of unread) this.#set.tick(fingerprintOf(one));
    return unread;
  }

  /** How many of each code are not there any more, of those that were not ticked. */
  countGone(): FindingCounts {
    const counts: FindingCounts = {};
    this.#set.forEachUnticked((value) => {
      const code = FINDING_CODES[value];
      if (code !== undefined) counts[code] = (counts[code] ?? 0) + 1;
    });
    return counts;
  }
}

/** What has changed since an earlier report. */
export interface Comparison {
  /** When the run of the earlier report began, in milliseconds since 1970. */
  readonly startedAt: number;
  readonly complete: boolean;
  readonly new: number;
  readonly gone: number;
  readonly newByCode: FindingCounts;
  readonly goneByCode: FindingCounts;
  /** Corrupt blobs of the earlier report that this run did not read: neither new nor gone. */
  readonly unread: readonly FindingIdentity[];
  readonly newSeverities: Readonly<Record<Severity, number>>;
  readonly isNew: (finding: Finding) => boolean;
}

/** Compares all findings of a report with those of an earlier one. `wasRead` says whether a blob that was corrupt has been read again. */
export function compareFindings(
  { startedAt, complete, findings: earlier }: Omit<Baseline, "terms">,
  findings: Iterable<Finding>,
  wasRead: (identity: FindingIdentity) => boolean,
): Comparison {
  const newByCode: FindingCounts = {};
  const newSeverities: Record<Severity, number> = { error: 0, warning: 0, garbage: 0, info: 0 };
  for (const finding of findings) {
    if (earlier.tick(finding)) continue;
    newByCode[finding.code] = (newByCode[finding.code] ?? 0) + 1;
    newSeverities[severityOf(finding)]++;
  }
  const unread = earlier.tickUnread(wasRead);
  const goneByCode = earlier.countGone();
  const sum = (counts: FindingCounts): number => Object.values(counts).reduce((total, count) => total + count, 0);
  return {
    startedAt,
    complete,
    new: sum(newByCode),
    gone: sum(goneByCode),
    newByCode,
    goneByCode,
    unread,
    newSeverities,
    isNew: (finding) => !earlier.has(finding),
  };
}

/** What makes two reports differ without any change in the registry: a notice for the operator, none where it is nothing. */
export function noticesOfTerms(earlier: ReportTerms, now: ReportTerms): readonly string[] {
  const options: string[] = [];
  if (earlier.deleteUntagged !== now.deleteUntagged) options.push("--delete-untagged");
  if (earlier.dropDanglingTags !== now.dropDanglingTags) options.push("--drop-dangling-tags");
  if (earlier.grace !== now.grace) options.push("--grace");
  // How many run in a cluster differs each night.
  if (earlier.pins > 0 !== now.pins > 0) options.push("--keep");
  // A report on all repositories can be compared with one on some.
  if (earlier.repository !== undefined && earlier.repository !== now.repository) options.push("--repository");
  if (options.length === 0) return [];
  return [`The baseline was made with another ${options.join(", ")}: what is new or gone may come of that alone.`];
}

function identityOf(finding: Finding): FindingIdentity {
  const { code, path, repository, digest, uploadId, rule } = finding;
  return { code, path, repository, digest: digest?.toString(), uploadId, rule, severity: severityOf(finding) };
}

/** Names are untrusted: with a cryptographic hash nobody makes a finding look like one that was there. */
function fingerprintOf({ code, path, repository, digest, uploadId, rule, severity }: FindingIdentity): Fingerprint {
  // A blob is ascribed to the only repository with links to it, which changes without the blob.
  const owner = scopeOf(code) === "repository" ? repository : undefined;
  // An error is new where a warning was known.
  const isError = mayBeMilder(code) ? severity === "error" : undefined;
  const facts = [code, PATHLESS.has(code) ? rule : path, owner, digest, uploadId, isError];
  const bytes = hash("sha256", JSON.stringify(facts), "buffer");
  return { low: bytes.readUInt32BE(0), high: bytes.readUInt32BE(4) };
}
