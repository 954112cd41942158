import { blobPath, MAX_MANIFEST_BYTES } from "../registry/layout.js";
import type { MarkContext } from "./context.js";
import type { Finding } from "./finding.js";
import { forEachMeantAnywhere } from "./meant-blobs.js";
import { pinsAnywhere } from "./pinned.js";
import { isRevision, isYoung, LIVE } from "./policy.js";
import { unreadable } from "./unreadable.js";

/**
 * Manifests that are pinned, or younger than the grace time, keep what they refer to, whether or not a repository links that, or them: what is
 * young may belong to a push that has not come to its links yet. Whether a young blob is a manifest is only known by reading it. Returns those
 * that are manifests.
 */
export async function markAnywhere(context: MarkContext, findings: Finding[]): Promise<readonly number[]> {
  const { table, store, policy, needsAnything } = context;
  const pins = pinsAnywhere(context);
  const pending: number[] = [...pins].filter((id) => table.isStored(id));
  table.forEach((id, size, modified) => {
    if (isYoung(policy, modified) && size <= MAX_MANIFEST_BYTES) pending.push(id);
  });
  for (const id of pins) table.mark(id, LIVE);
  /** Those that somebody takes for manifests. */
  const named = new Set(pins);
  /** Those of them whose turn has come, or comes. */
  const queued = new Set(pending.filter((id) => named.has(id)));
  const manifests = new Set<number>();
  // A pin may be young as well.
  for (let batch = [...new Set(pending)]; batch.length > 0;) {
    await store.load(batch);
    const next: number[] = [];
    for (const id of batch) {
      table.mark(id, LIVE);
      const problem = store.problem(id);
      if (problem?.kind === "unreadable" && !isRevision(table.marks(id)))
        findings.push(unreadable({ path: blobPath(table.digest(id)), cause: problem.cause }));
      // Most young blobs are layers, which are no manifests: what a layer mentions is no reference.
      if (problem !== undefined && !named.has(id)) continue;
      manifests.add(id);
      const isAnyMeant = forEachMeantAnywhere(context, id, (reference, role) => {
        table.mark(reference, LIVE);
        // One that was met as a young blob is looked at again: by now somebody takes it for a manifest.
        if (queued.has(reference) || !table.isStored(reference)) return;
        const isManifest = role === "child" || (role === "mention" && table.size(reference) <= MAX_MANIFEST_BYTES);
        if (!isManifest) return;
        named.add(reference);
        queued.add(reference);
        next.push(reference);
      });
      if (isAnyMeant) needsAnything.add(id);
    }
    batch = next;
  }
  return [...manifests];
}
