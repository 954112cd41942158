import type { Removal } from "../journal/read-run.js";
import type { LinkTargets } from "./link-targets.js";

/**
 * Warns of manifests that are back while something that they need is not there. A later run may have taken it, which the journal of this one
 * cannot know; or it was missing before, which is no reason to leave the manifest away.
 */
export async function lackingManifests(
  manifests: readonly Removal[],
  targets: LinkTargets,
): Promise<{ path: string; cause: string }[]> {
  const warnings: { path: string; cause: string }[] = [];
  for (const removal of manifests) {
    const lacking = await targets.lacking(removal);
    if (lacking === undefined) continue;
    const cause = `it is back, but it needs ${lacking}, which is not there: if a later run has taken that, restore that run as well, before it is purged`;
    warnings.push({ path: removal.path, cause });
  }
  return warnings;
}
