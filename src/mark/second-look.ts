import { revisionLinkPath, tagCurrentPath, UNFINISHED_LINK } from "../registry/layout.js";
import type { StorageFault } from "../storage/listing.js";
import type { Finding, FindingCode } from "./finding.js";
import type { MarkContext } from "./context.js";

/**
 * Findings without those about what has changed since its place was listed: a registry that is read while clients push and delete always
 * has some. Dropped are findings on a blob or link that was missing and is there now, and on a tag or an unfinished link that has gone or
 * moved since the check began. What it was missed by keeps its marks.
 */
export async function withoutWhatChanged({ storage, policy }: MarkContext, findings: readonly Finding[]): Promise<Finding[]> {
  const paths = [...new Set(findings.flatMap((finding) => [missingPath(finding) ?? [], restsOn(finding) ?? []].flat()))];
  if (paths.length === 0) return [...findings];
  const times = new Map<string | undefined, number | StorageFault>();
  for (const [i, time] of (await storage.modified(paths)).entries()) times.set(paths[i], time);
  const hasChanged = (link: number | StorageFault | undefined): boolean =>
    // One from the future, by its own account, has not been written since: it would never be seen.
    typeof link === "number" ? link > policy.now && link <= Date.now() / 1000 : link?.gone === true;
  return findings.filter(
    (finding) => typeof times.get(missingPath(finding)) !== "number" && !hasChanged(times.get(restsOn(finding))),
  );
}

/** Findings whose path is that of what is missing. */
const MISSING_AT_PATH: ReadonlySet<FindingCode> = new Set([
  "blob-missing",
  "layer-link-missing",
  "child-missing",
  "revision-link-missing",
]);

/** The path whose absence a finding is about. */
function missingPath({ code, path, repository, tag, digest }: Finding): string | undefined {
  if (MISSING_AT_PATH.has(code)) return path;
  if (repository === undefined) return undefined;
  if (code === "tag-dangling" && digest !== undefined) return revisionLinkPath(repository, digest);
  if (code === "tag-without-current" && tag !== undefined) return tagCurrentPath(repository, tag);
  return undefined;
}

/** What a finding rests on, and is no more when that is gone: a tag's link, a manifest's, or a link in the middle of being written. */
function restsOn({ code, path, cause }: Finding): string | undefined {
  const isLink = code === "tag-dangling" || code === "manifest-missing" || cause?.kind === "not-in-index";
  return isLink || (code === "stray-object" && UNFINISHED_LINK.test(path)) ? path : undefined;
}
