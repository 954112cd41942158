import { operatorMessage } from "../errors.js";
import type { JournaledRun, Removal } from "../journal/read-run.js";
import { NO_PUSH } from "../mark/push-times.js";
import { UNFINISHED_LINK } from "../registry/layout.js";
import type { StorageChanges } from "../storage/changes.js";
import { giveWay } from "../until-aborted.js";
import type { LaterRuns } from "./later-runs.js";
import { contentOf } from "./link-content.js";
import { LinkTargets } from "./link-targets.js";
import type { RestoreContext, Restored } from "./restored.js";
import { settleLink } from "./settle.js";
import { takenAnew } from "./taken-anew.js";

/**
 * Undoes an untag that deleted for good: a tag is links, and what they held stands in the journal, by their paths and the digest that the tag named.
 * Last first, so that a tag is there again when its history is. What names a manifest that is gone stays away, unless that was gone before, and so
 * does a tag that a later run has taken; what somebody has written since is left alone. Safe to repeat.
 */
export async function rewriteTags(
  run: JournaledRun,
  changes: StorageChanges,
  later: LaterRuns,
  { signal, afterPushes }: Pick<RestoreContext, "signal" | "afterPushes">,
): Promise<Restored> {
  let restored = 0;
  let present = 0;
  const warnings: { readonly path: string; readonly cause: string }[] = [];
  const problems: { readonly path: string; readonly cause: string }[] = [];
  const targets = new LinkTargets(changes, () => undefined);
  for (const removal of run.removals()) {
    await giveWay(signal);
    const { path } = removal;
    try {
      const { status, warning, problem } = await rewrite(removal, { later, targets, changes, afterPushes });
      if (warning !== undefined) warnings.push({ path, cause: warning });
      if (problem !== undefined) problems.push({ path, cause: problem });
      else if (status === "restored") restored++;
      else present++;
    } catch (error) {
      problems.push({ path, cause: operatorMessage(error) });
    }
  }
  return { restored, present, warnings, problems };
}

interface Rewritten {
  readonly status?: "restored" | "present";
  readonly warning?: string | undefined;
  readonly problem?: string | undefined;
}

interface RewriteContext extends Pick<RestoreContext, "afterPushes"> {
  readonly later: LaterRuns;
  readonly targets: LinkTargets;
  readonly changes: StorageChanges;
}

async function rewrite(removal: Removal, { later, targets, changes, afterPushes }: RewriteContext): Promise<Rewritten> {
  const { path } = removal;
  if (isLeftover(path)) return { status: "present" };
  const anew = await takenAnew(path, later, changes);
  if (anew !== undefined) return { problem: anew };
  const content = contentOf(removal);
  const missing = await targets.missing(removal);
  if (content === undefined) {
    if ((await changes.stat(path)) !== undefined) return { status: "present" };
    return { problem: "what it held is not known: it was no link of a tag" };
  }
  await afterPushes?.wait(targets.lastLinked);
  if ((await changes.stat(path)) === undefined) {
    if (missing !== undefined) return { problem: `not put back: it names ${missing}, which is gone` };
    if ((await changes.create(path, content, timeOf(removal))) === "created") return { status: "restored" };
  }
  const { isReplaced, ...said } = await settleLink(path, content, missing === undefined, changes);
  return { status: isReplaced === true ? "restored" : "present", ...said };
}

/** Seconds since 1970: a journal of an earlier version does not tell it. */
function timeOf({ modified = NO_PUSH }: Removal): number {
  return modified;
}

/** Whether nobody has ever read it: what a write that was killed has left, or a console's marker of a folder. It does not come back. */
function isLeftover(path: string): boolean {
  return path.endsWith("/") || UNFINISHED_LINK.test(path);
}
