import type { Digest } from "../registry/digest.js";
import { blobPath } from "../registry/layout.js";
import { NOBODY } from "./blob-table.js";
import type { MarkContext } from "./context.js";
import type { Finding, FindingCode } from "./finding.js";
import type { Findings } from "./verify.js";

/** Whether what is said of a blob concerns a repository that a filter leaves: one of these names it, or none at all does. */
export function isOfShown({ table, shownBlobs }: MarkContext, id: number): boolean {
  return shownBlobs === undefined || shownBlobs[id] === 1 || table.owner(id) === NOBODY;
}

/** Findings that say already that a blob's content is broken. */
const SAYS_SO: ReadonlySet<FindingCode> = new Set(["blob-corrupt", "manifest-corrupt", "blob-size-mismatch"]);

/** Numbers of the blobs that are said to be broken by findings which a filter leaves: what it leaves out says nothing to anybody. */
export function saidToBeBroken({ table }: MarkContext, { repositories, findings }: Findings): ReadonlySet<number> {
  const said = new Set<number>();
  const shown = repositories.filter((_, i) => !table.isLeftOut(i + 1)).map((repository) => repository.findings);
  for (const list of [findings, ...shown])
    for (const { code, digest } of list) if (SAYS_SO.has(code) && digest !== undefined) said.add(table.idOfDigest(digest));
  return said;
}

/**
 * With a filter: adds what only repositories that it leaves out are told of blobs which others have as well. A manifest that is rotten may be a
 * layer elsewhere, and a manifest that says no size of an empty blob misses nothing.
 */
export function tellOfShared(context: MarkContext, found: Findings): void {
  const { table, shownBlobs } = context;
  if (shownBlobs === undefined) return;
  const broken = new Map<number, Finding>();
  for (const [i, { findings }] of found.repositories.entries())
    if (table.isLeftOut(i + 1))
      for (const finding of findings) {
        if (!isKnownToBeBroken(finding)) continue;
        const id = table.idOfDigest(finding.digest);
        if (table.isStored(id) && shownBlobs[id] === 1) broken.set(id, finding);
      }
  if (broken.size === 0) return;
  const said = saidToBeBroken(context, found);
  for (const [id, { cause }] of broken) {
    const digest = table.digest(id);
    const about = { path: blobPath(digest), digest, bytes: table.size(id), cause };
    if (!said.has(id)) found.findings.push({ code: "blob-corrupt", ...about });
  }
}

function isKnownToBeBroken(finding: Finding): finding is Finding & { readonly digest: Digest } {
  const { code, digest, cause } = finding;
  if (digest === undefined) return false;
  return code === "manifest-corrupt" || (code === "blob-size-mismatch" && cause?.kind === "size" && cause.blob === "corrupt");
}
