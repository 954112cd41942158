import type { Finding } from "../mark/finding.js";
import { ABANDONED_AGE } from "../mark/policy.js";
import type { Variant } from "../mark/policy.js";
import type { ExitCode } from "../errors.js";
import { severityOf } from "./catalogue.js";
import { messageOf } from "./finding-words.js";
import { allBytes } from "./stored-bytes.js";
import { tagsThatGo } from "./repository-report.js";
import { quarantineTotals } from "./own-lines.js";
import type { Report } from "./report.js";
import type { RepositoryReport } from "./repository-report.js";

/** The version of the JSON names: they do not change within a major version. */
const SCHEMA_VERSION = "1.0";

/** What made a report. */
export interface Tool {
  readonly name: string;
  readonly version: string;
}

/** The report as JSON text, with `more` of what else was done, in pieces: findings are written as they are made. `report.schema.json` describes it. */
export function* formatJson(report: Report, tool: Tool, exitCode: ExitCode, more: object = {}): Generator<string> {
  const head = JSON.stringify({ ...jsonSummary(report, tool, exitCode), ...more }, undefined, 2);
  // Findings come last, so that everything before them can be read without reading millions of them.
  yield `${head.slice(0, -2)},\n  "findings": [`;
  let separator = "\n    ";
  for (const finding of report.findings()) {
    yield separator + JSON.stringify(jsonFinding(finding, report.baseline?.isNew(finding)));
    separator = ",\n    ";
  }
  yield `${separator === "\n    " ? "" : "\n  "}]\n}\n`;
}

/** All of the report but its findings. */
export function jsonSummary(report: Report, tool: Tool, exitCode: ExitCode) {
  const { policy, reclaimable, selected, trusted } = report;
  const known = (variant: Variant) => (trusted.has(variant) ? reclaimable[variant] : undefined);
  return {
    schemaVersion: SCHEMA_VERSION,
    tool,
    name: report.name,
    storage: report.storage,
    startedAt: new Date(report.startedAt).toISOString(),
    finishedAt: new Date(report.finishedAt).toISOString(),
    complete: report.complete,
    exitCode,
    notices: report.notices,
    policy: {
      deleteUntagged: policy.deleteUntagged,
      dropDanglingTags: policy.dropDanglingTags,
      grace: policy.grace,
      uploadsOlderThan: policy.uploadsOlderThan ?? ABANDONED_AGE,
      pins: report.pins.given,
      file: policy.retention?.file,
    },
    filter: report.filter && { repository: report.filter.glob },
    pins: {
      given: report.pins.given,
      found: report.pins.found,
      missing: report.pins.missing.map(String),
      unlinked: report.pins.unlinked.map(String),
    },
    baseline: report.baseline && {
      startedAt: new Date(report.baseline.startedAt).toISOString(),
      complete: report.baseline.complete,
      new: report.baseline.new,
      gone: report.baseline.gone,
      newByCode: report.baseline.newByCode,
      goneByCode: report.baseline.goneByCode,
      unread: report.baseline.unread,
    },
    totals: report.totals,
    stored: { ...report.stored, bytes: allBytes(report.stored) },
    quarantine: quarantineTotals(report.own),
    lock: report.own.lockedAt === undefined ? undefined : { modified: new Date(report.own.lockedAt * 1000).toISOString() },
    verified: report.verified,
    truthElsewhere: report.truthElsewhere.map(({ owner, evidence }) => ({ owner, evidence })),
    reclaimable: trusted.has(selected)
      ? {
          asIs: known("asIs"),
          withDeleteUntagged: known("withDeleteUntagged"),
          withDropDanglingTags: known("withDropDanglingTags"),
          withPolicy:
            policy.retention && trusted.has("withPolicy") ? { tags: tagsThatGo(report), ...reclaimable.withPolicy } : undefined,
          withPurgeUploads: report.abandoned,
          selected: known(selected),
        }
      : undefined,
    repositories: trusted.has(selected) ? report.repositories : report.repositories.map(withoutGarbage),
    storageRequests: report.requests,
  };
}

/** JSON leaves out what is undefined. */
function withoutGarbage(repository: RepositoryReport) {
  return { ...repository, reclaimableBytes: undefined, abandonedBytes: undefined, heldBytes: undefined };
}

/** A finding as it stands in the JSON report; `isNew` says that a baseline does not have it. */
export function jsonFinding(finding: Finding, isNew = false) {
  return {
    code: finding.code,
    severity: severityOf(finding),
    new: isNew || undefined,
    repository: finding.repository,
    tag: finding.tag,
    digest: finding.digest?.toString(),
    path: finding.path,
    bytes: finding.bytes,
    recoverable: finding.recoverable,
    usedBy: finding.usedBy && { digest: finding.usedBy.digest.toString(), as: finding.usedBy.as },
    uploadId: finding.uploadId,
    rule: finding.rule,
    message: messageOf(finding),
  };
}
