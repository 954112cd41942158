import { setTimeout } from "node:timers/promises";
import { slices } from "../../slices.js";
import type { RepositoryListing } from "../listing.js";
import { withContents } from "./emptied-links.js";
import { modifiedTimes, PATHS_PER_TASK } from "./modified-times.js";
import type { WorkerPool } from "./pool.js";
import { isUnsettled, REWRITE_TIME } from "./settled.js";

/** A listing with links that were empty when it was read. */
export interface UnfinishedListing {
  readonly listing: RepositoryListing;
  /** Their paths. */
  readonly emptied: readonly string[];
}

/** Reads these links again after a time in which a registry that is writing comes to its end: damage is what stays empty. */
export async function* readAgain(pool: WorkerPool, unfinished: readonly UnfinishedListing[]): AsyncGenerator<RepositoryListing> {
  if (unfinished.length === 0) return;
  if (await mayBeWritten(pool, unfinished)) await setTimeout(REWRITE_TIME);
  for (const { listing, emptied } of unfinished) {
    const contents = new Map<string, Uint8Array | undefined>();
    for (const paths of slices(emptied, PATHS_PER_TASK))
      for (const [link, content] of await pool.run<"contents">({ kind: "contents", paths })) contents.set(link, content);
    yield withContents(listing, contents);
  }
}

/** Whether a registry may be in the middle of writing any of these links, as far as its clock is known. */
async function mayBeWritten(pool: WorkerPool, unfinished: readonly UnfinishedListing[]): Promise<boolean> {
  if (pool.threads.isNetwork) return true;
  const times = await modifiedTimes(
    pool,
    unfinished.flatMap(({ emptied }) => emptied),
  );
  return times.some(isUnsettled);
}
