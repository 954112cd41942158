import { FINDING_CODES } from "../mark/finding.js";
import type { Finding, FindingCode } from "../mark/finding.js";
import type { BlobFindings } from "./blob-findings.js";
import { severityOf } from "./catalogue.js";
import { SEVERITIES } from "./severity.js";

const ORDER = new Map(FINDING_CODES.map((code, i) => [code, i]));

/** The findings of some codes, in the order of all codes, with the unreferenced blobs at their place. */
export function* inOrder(findings: readonly Finding[], blobs: BlobFindings, codes: readonly FindingCode[]): Generator<Finding> {
  let blobsGiven = !codes.includes("blob-unreferenced");
  for (const finding of findings) {
    if (!codes.includes(finding.code)) continue;
    if (!blobsGiven && order(finding.code) > order("blob-unreferenced")) {
      blobsGiven = true;
      yield* blobs;
    }
    yield finding;
  }
  if (!blobsGiven) yield* blobs;
}

/**
 * Orders findings for a report. Blobs have one path, whichever repositories need them: these come in order too, so that two reports can be compared.
 */
export function inReportOrder(a: Finding, b: Finding): number {
  return (
    order(a.code) - order(b.code) ||
    SEVERITIES.indexOf(severityOf(a)) - SEVERITIES.indexOf(severityOf(b)) ||
    compare(a.path, b.path) ||
    compare(a.repository ?? "", b.repository ?? "")
  );
}

function order(code: FindingCode): number {
  return ORDER.get(code) ?? 0;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
