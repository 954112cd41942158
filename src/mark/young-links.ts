import type { StorageFault } from "../storage/listing.js";
import { isYoung } from "./policy.js";
import type { MarkContext } from "./context.js";

/**
 * Those of the candidates whose link is younger than the grace time, or whose age cannot be told: then `onFault` is called as well, unless the
 * link has gone since it was listed.
 * `time` gives a link's age, in seconds since 1970, where the listing told it; otherwise the storage is asked.
 */
export async function youngLinks(
  { policy, storage }: MarkContext,
  candidates: readonly number[],
  path: (candidate: number) => string,
  time: ((candidate: number) => number | undefined) | undefined,
  onFault: (fault: StorageFault) => void,
): Promise<readonly number[]> {
  if (candidates.length === 0) return [];
  if (time !== undefined) return candidates.filter((candidate) => isYoung(policy, time(candidate) ?? policy.now));
  const times = await storage.modified(candidates.map(path));
  return candidates.filter((_, i) => {
    const modified = times[i];
    if (typeof modified === "number") return isYoung(policy, modified);
    if (modified !== undefined && modified.gone !== true) onFault(modified);
    return true;
  });
}
