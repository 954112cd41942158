import { revisionLinkPath, tagCurrentPath } from "../registry/layout.js";
import { findReferrerTarget } from "../registry/referrer-tag.js";
import type { Finding } from "./finding.js";
import { meaningOfLost } from "./lost-subjects.js";
import { MANIFEST, REVISION } from "./policy.js";
import type { Reachability } from "./reachability.js";
import type { MarkContext } from "./context.js";
import type { RepositoryLinks } from "./repository-links.js";

/**
 * Without what is said of referrers whose subject turned out to be a manifest of another repository: signatures may have one of their own
 * (`COSIGN_REPOSITORY`).
 */
export function withoutFoundElsewhere(context: MarkContext, findings: readonly Finding[]): readonly Finding[] {
  const isElsewhere = (finding: Finding): boolean => finding.code === "referrer-orphaned" && isSubjectSomewhere(context, finding);
  return findings.some(isElsewhere) ? findings.filter((finding) => !isElsewhere(finding)) : findings;
}

function isSubjectSomewhere(context: MarkContext, { digest, subject }: Finding): boolean {
  const { table, store, lostSizes } = context;
  if (digest === undefined || subject === undefined) return false;
  const named = table.idOfDigest(subject);
  let isFound = isManifestSomewhere(context, named);
  if (isFound || subject.algorithm === "sha256") return isFound;
  const note = (id: number): void => {
    isFound ||= isManifestSomewhere(context, id);
  };
  store.forEachReference(table.idOfDigest(digest), (role, other, position) => {
    if (role !== "subject" || other !== named) return;
    const { told, size, isAnything } = meaningOfLost(context, { named, declared: store.declaredSize(position) });
    told.forEach(note);
    if (size !== undefined) lostSizes.forEachMeant(size, false, table.count, note);
    isFound ||= isAnything;
  });
  return isFound;
}

function isManifestSomewhere({ table, lostManifests }: MarkContext, id: number): boolean {
  return table.isStored(id) ? (table.marks(id) & (REVISION | MANIFEST)) !== 0 : lostManifests.has(id);
}

/** Reports tags and manifests that are about another manifest (signatures, attestations, SBOMs) which the repository does not have. */
export function checkReferrers(
  { store, table }: MarkContext,
  repository: string,
  links: RepositoryLinks,
  reachability: Reachability,
): Finding[] {
  const findings: Finding[] = [];
  const add = (path: string, manifest: number, tag: string | undefined, subject: number): void => {
    const about = { digest: table.digest(manifest), subject: table.digest(subject) };
    findings.push({ code: "referrer-orphaned", path, repository, tag, ...about, cause: { kind: "subject-gone" } });
  };
  for (const { name, target } of links.tags) {
    const subject = findReferrerTarget(name);
    if (subject === undefined || reachability.has(table.idOfDigest(subject))) continue;
    add(tagCurrentPath(repository, name), target, name, table.idOfDigest(subject));
  }
  for (const manifest of links.revisions) {
    store.forEachReference(manifest, (role, subject) => {
      if (role !== "subject" || reachability.hasSubject(subject)) return;
      add(revisionLinkPath(repository, table.digest(manifest)), manifest, reachability.tag(manifest), subject);
    });
  }
  return findings;
}
