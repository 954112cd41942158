import { FINDING_CODES } from "#regcheck/mark/finding.js";
import type { Finding, FindingCode } from "#regcheck/mark/finding.js";
import { VARIANTS } from "#regcheck/mark/policy.js";
import { Digest } from "#regcheck/registry/digest.js";
import { severityOf } from "#regcheck/report/catalogue.js";
import type { Severity } from "#regcheck/report/severity.js";
import { garbageAges } from "#regcheck/report/garbage-ages.js";
import type { Report } from "#regcheck/report/report.js";
import type { FindingCounts, RepositoryReport } from "#regcheck/report/repository-report.js";
import { BlobTable } from "#regcheck/mark/blob-table.js";
import { sha256 } from "./builder.js";

const NOTHING = { blobs: 0, bytes: 0, revisions: 0, layerLinks: 0 };

/** A report of these findings and repositories, for tests of the formats; all else is the least that there can be. */
export function reportOf(findings: readonly Finding[], change: Partial<Report> = {}): Report {
  const counts: FindingCounts = {};
  const severities: Record<Severity, number> = { error: 0, warning: 0, garbage: 0, info: 0 };
  for (const finding of findings) {
    counts[finding.code] = (counts[finding.code] ?? 0) + 1;
    severities[severityOf(finding)]++;
  }
  const policy = { deleteUntagged: false, dropDanglingTags: false, grace: 3600, now: 1_700_000_000, pins: [] };
  return {
    name: "registry-1",
    storage: { driver: "filesystem", location: "/var/lib/registry" },
    startedAt: 1_700_000_000_000,
    finishedAt: 1_700_000_001_200,
    complete: true,
    notices: [],
    truthElsewhere: [],
    trusted: new Set(VARIANTS),
    policy,
    pins: { given: 0, found: 0, missing: [], unlinked: [] },
    totals: { repositories: 0, tags: 0, revisions: 0, layerLinks: 0, uploads: 0, uploadBytes: 0, blobs: 0, blobBytes: 0 },
    reclaimable: {
      asIs: NOTHING,
      withDeleteUntagged: NOTHING,
      withDropDanglingTags: NOTHING,
      withBoth: NOTHING,
      withPolicy: NOTHING,
    },
    stored: { blobs: 0, links: 0, uploads: 0, quarantine: 0, own: 0, strays: 0 },
    own: { quarantine: new Map(), lockedAt: undefined, otherBytes: 0, fault: undefined },
    abandoned: { uploads: 0, multipart: 0, bytes: 0 },
    selected: "asIs",
    repositories: [],
    counts,
    severities,
    errors: new Map(),
    requests: { list: 0, get: 0, head: 0, put: 0, delete: 0 },
    requestCost: undefined,
    findings: () => findings,
    unreferencedBlobs: () => Object.assign([], { count: 0, bytes: 0 }),
    baseline: undefined,
    bytesByState: () => ({ live: 0, reclaimable: 0, held: 0, damaged: 0 }),
    garbageAges: () => garbageAges(BlobTable.builder().build().table, policy),
    ...change,
  };
}

/** A repository's line, of which only the name and what is given matters. */
export function repositoryOf(name: string, change: Partial<RepositoryReport> = {}): RepositoryReport {
  const bytes = { uploads: 0, uploadBytes: 0, abandonedBytes: 0, bytes: 0, exclusiveBytes: 0, reclaimableBytes: 0, heldBytes: 0 };
  return { name, tags: 1, revisions: 1, layerLinks: 2, ...bytes, findings: {}, ...change };
}

/** As many findings as there are asked for, of some codes that come in great numbers, in the order of a report. */
export function manyFindings(count: number): Finding[] {
  const codes = FINDING_CODES.filter((code) => MANY.has(code));
  return Array.from({ length: count }, (_, i): Finding => {
    const code = codes[Math.floor((i * codes.length) / count)] ?? "blob-unreferenced";
    const digest = Digest.parse(sha256(String(i)));
    if (digest === undefined) throw new Error("no digest");
    const path = `docker/registry/v2/repositories/team-${i % 40}/service-${i % 700}/_layers/sha256/${digest.hex}/link`;
    const cause = { kind: "link-problem", problem: { kind: "empty" } } as const;
    return { code, path, repository: `team-${i % 40}/service-${i % 700}`, digest, bytes: i * 977, cause };
  });
}

const MANY: ReadonlySet<FindingCode> = new Set([
  "blob-missing",
  "layer-link-missing",
  "layer-link-dangling",
  "blob-unreferenced",
  "layer-link-unreferenced",
  "manifest-unreferenced",
]);
