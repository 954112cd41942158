import { blobPath, MAX_MANIFEST_BYTES } from "../registry/layout.js";
import type { MarkContext } from "./context.js";
import type { Finding } from "./finding.js";
import type { LostSize } from "./lost-sizes.js";
import { forEachNamedAnywhere } from "./meant-blobs.js";
import { HELD, selectedBit } from "./policy.js";
import { unreadable } from "./unreadable.js";

/**
 * Marks all that lost references may mean by their sizes as the manifests that name it. To be called when the links of all repositories are known,
 * and again when marks have been added. Returns what could not be read.
 */
export async function keepLost(context: MarkContext): Promise<readonly Finding[]> {
  const { table, lostSizes, policy, needsAnything } = context;
  const unread = await findBlobs(context);
  for (const { blobs, below, anyBelow, marks, childMarks } of lostSizes.all) {
    for (const id of blobs) table.mark(id, marks);
    for (const id of below) table.mark(id, childMarks);
    if (anyBelow === undefined || childMarks === 0) continue;
    for (let id = 0; id < table.count; id++) table.mark(id, childMarks);
    if ((childMarks & (selectedBit(policy) | HELD)) !== 0) needsAnything.add(anyBelow);
  }
  return unread;
}

/** One pass over all blobs, however many sizes are looked for; none without any. */
async function findBlobs(context: MarkContext): Promise<readonly Finding[]> {
  const unknown = context.lostSizes.takeUnknown();
  if (unknown.size === 0) return [];
  context.table.forEach((id, size) => unknown.get(size)?.blobs.push(id));
  const unread: Finding[] = [];
  for (const [size, known] of unknown)
    if (known.hasChild && size <= MAX_MANIFEST_BYTES) for (const finding of await findBelow(context, known)) unread.push(finding);
  return unread;
}

/** Adds what the blobs name that may be manifests, and what these name in their turn: of what cannot be read, all that it mentions. */
async function findBelow(context: MarkContext, lost: LostSize): Promise<readonly Finding[]> {
  const { table, store } = context;
  const unread: Finding[] = [];
  const queued = new Set(lost.blobs);
  for (let batch: readonly number[] = lost.blobs; batch.length > 0;) {
    await store.load(batch);
    const next: number[] = [];
    for (const id of batch) {
      const problem = store.problem(id);
      if (problem?.kind === "unreadable") unread.push(unreadable({ path: blobPath(table.digest(id)), cause: problem.cause }));
      const isAny = forEachNamedAnywhere(context, id, (named, role) => {
        if (!table.isStored(named)) return;
        lost.below.add(named);
        const isManifest = role === "child" || role === "mention";
        if (!isManifest || queued.has(named) || table.size(named) > MAX_MANIFEST_BYTES) return;
        queued.add(named);
        next.push(named);
      });
      if (isAny) lost.anyBelow ??= id;
    }
    batch = next;
  }
  return unread;
}
