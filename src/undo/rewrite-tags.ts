import { operatorMessage } from "../errors.js";
import type { JournaledRun, Removal } from "../journal/read-run.js";
import { UNFINISHED_LINK } from "../registry/layout.js";
import { parseOwnPath, splitRepositoryPath } from "../registry/parse-path.js";
import type { StorageChanges } from "../storage/changes.js";
import { giveWay } from "../until-aborted.js";
import { exists, LinkTargets } from "./link-targets.js";
import type { Restored } from "./restored.js";

/**
 * Undoes an untag that deleted for good: a tag is links, and what they held stands in the journal, by their paths and the digest that the tag named.
 * Last first, so that a tag is there again when its history is. What names a manifest that is gone stays away, unless that was gone before;
 * what somebody has written since is left alone. Safe to repeat.
 */
export async function rewriteTags(run: JournaledRun, changes: StorageChanges, signal?: AbortSignal): Promise<Restored> {
  let restored = 0;
  let present = 0;
  const problems: { readonly path: string; readonly cause: string }[] = [];
  const targets = new LinkTargets(changes, () => undefined);
  for (const removal of run.removals()) {
    await giveWay(signal);
    const { path } = removal;
    try {
      const content = contentOf(removal);
      const missing = await targets.missing(removal);
      if (isLeftover(path) || (await exists(changes, path))) present++;
      else if (content === undefined) problems.push({ path, cause: "what it held is not known: it was no link of a tag" });
      else if (missing !== undefined) problems.push({ path, cause: `not put back: it names ${missing}, which is gone` });
      else if ((await changes.create(path, Buffer.from(content), timeOf(removal))) === "created") restored++;
      else present++;
    } catch (error) {
      problems.push({ path, cause: operatorMessage(error) });
    }
  }
  return { restored, present, warnings: [], problems };
}

/** Seconds since 1970: a journal of an earlier version does not tell it, and a tag of 1970 is judged by no policy that goes by time. */
function timeOf({ modified = 0 }: Removal): number {
  return modified;
}

/** Whether nobody has ever read it: what a write that was killed has left, or a console's marker of a folder. It does not come back. */
function isLeftover(path: string): boolean {
  return path.endsWith("/") || UNFINISHED_LINK.test(path);
}

/** What a link of a tag held: an entry of its history names the digest of its path. */
function contentOf({ path, digest }: Removal): string | undefined {
  const own = splitRepositoryPath(path)?.own;
  const parsed = own === undefined ? undefined : parseOwnPath(own);
  if (parsed?.kind === "current") return digest;
  return parsed?.kind === "index" ? `${parsed.algorithm}:${parsed.hex}` : undefined;
}
