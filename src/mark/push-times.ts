import { revisionLinkPath } from "../registry/layout.js";
import type { StorageFault } from "../storage/listing.js";
import type { MarkContext } from "./context.js";
import type { RepositoryGraph } from "./repository-graph.js";

/** Seconds since 1970 (2015-01-01): no registry has written tags before, so that an older time is what a copy or an archive left. */
export const FIRST_PUSHES = 1_420_070_400;

/** Seconds since 1970, given to a tag's link that regcheck writes of itself: no policy that goes by time judges it until it is pushed. */
export const NO_PUSH = 0;

/** Seconds: a push writes the link of the manifest, then that of the tag, and nothing in between. */
export const WITHIN_A_PUSH = 10;

/** A tag with the manifest that its link holds, and when that was written, in seconds since 1970. */
export interface TimedTag {
  readonly image: number;
  readonly pushed: number;
}

/**
 * Those of the tags that were not pushed when their link was written. A registry writes the link of a manifest with every push of it, by
 * whatever tag: a tag that is younger was put back or repaired, for which a bucket gives it the present time, or was copied.
 */
export async function writtenWithoutPush<Tag extends TimedTag>(
  { table, storage }: MarkContext,
  { name, links }: RepositoryGraph,
  tags: readonly Tag[],
  onFault: (fault: StorageFault) => void,
): Promise<readonly Tag[]> {
  const times = new Map(links.revisionTimes);
  const unknown = [...new Set(tags.map(({ image }) => image))].filter((id) => !times.has(id));
  const answers =
    unknown.length === 0 ? [] : await storage.modified(unknown.map((id) => revisionLinkPath(name, table.digest(id))));
  for (const [i, id] of unknown.entries()) {
    const time = answers[i];
    if (typeof time === "number") times.set(id, time);
    // Registry 2.x finds a manifest by a layer link, too: then there is nothing to compare with.
    else if (time !== undefined && time.gone !== true) onFault(time);
  }
  return tags.filter(({ image, pushed }) => pushed > (times.get(image) ?? pushed) + WITHIN_A_PUSH);
}
