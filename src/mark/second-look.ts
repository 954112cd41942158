import { revisionLinkPath, tagCurrentPath } from "../registry/layout.js";
import type { Storage } from "../storage/storage.js";
import type { Finding, FindingCode } from "./finding.js";

/**
 * Findings without those about a blob or link that was missing when its place was listed, but is there now: a registry that is read
 * while clients push always has some. What it was missed by keeps its marks.
 */
export async function withoutWhatArrived(storage: Storage, findings: readonly Finding[]): Promise<Finding[]> {
  const missing = [...new Set(findings.map(missingPath).filter((path) => path !== undefined))];
  if (missing.length === 0) return [...findings];
  const times = await storage.modified(missing);
  const arrived = new Set(missing.filter((_, i) => typeof times[i] === "number"));
  return findings.filter((finding) => !arrived.has(missingPath(finding) ?? ""));
}

/** Findings whose path is that of what is missing. */
const MISSING_AT_PATH: ReadonlySet<FindingCode> = new Set(["blob-missing", "layer-link-missing", "child-missing"]);

/** The path whose absence a finding is about. */
function missingPath({ code, path, repository, tag, digest }: Finding): string | undefined {
  if (MISSING_AT_PATH.has(code)) return path;
  if (repository === undefined) return undefined;
  if (code === "tag-dangling" && digest !== undefined) return revisionLinkPath(repository, digest);
  if (code === "tag-without-current" && tag !== undefined) return tagCurrentPath(repository, tag);
  return undefined;
}
