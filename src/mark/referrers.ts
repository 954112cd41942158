import { revisionLinkPath, tagCurrentPath } from "../registry/layout.js";
import { findReferrerTarget } from "../registry/referrer-tag.js";
import type { Finding } from "./finding.js";
import type { Reachability } from "./reachability.js";
import type { MarkContext } from "./context.js";
import type { RepositoryLinks } from "./repository-links.js";

/** Reports tags and manifests that are about another manifest (signatures, attestations, SBOMs) whose target is gone. */
export function checkReferrers(
  { store, table }: MarkContext,
  repository: string,
  links: RepositoryLinks,
  reachability: Reachability,
): Finding[] {
  const findings: Finding[] = [];
  const add = (path: string, manifest: number, tag: string | undefined, subject: number): void => {
    const detail = `it is about ${table.digest(subject).toString()}, which is gone`;
    findings.push({ code: "referrer-orphaned", path, repository, tag, digest: table.digest(manifest), detail });
  };
  for (const { name, target } of links.tags) {
    const subject = findReferrerTarget(name);
    if (subject === undefined || reachability.has(table.idOfDigest(subject))) continue;
    add(tagCurrentPath(repository, name), target, name, table.idOfDigest(subject));
  }
  for (const manifest of links.revisions) {
    store.forEachReference(manifest, (role, subject) => {
      if (role !== "subject" || reachability.has(subject)) return;
      add(revisionLinkPath(repository, table.digest(manifest)), manifest, reachability.tag(manifest), subject);
    });
  }
  return findings;
}
