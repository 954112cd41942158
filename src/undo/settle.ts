import { operatorMessage } from "../errors.js";
import { parseLink } from "../registry/link.js";
import { linkWords } from "../report/cause-words.js";
import type { StorageChanges } from "../storage/changes.js";

/** What is to be said of an object in whose place there is something else: nothing where that is as good. */
export interface Settlement {
  /** What the link held that is given up for the one that somebody has written since. */
  readonly warning?: string;
  /** Why the object stays in the quarantine. */
  readonly problem?: string;
}

/**
 * Ends the matter of an object in the quarantine in whose place there may be something else, written since: a link is given up for the one that
 * somebody wanted there, and anything else if it is the same. Then nothing of it is left in the quarantine. Not for a blob, whose
 * digest says which is sound. `cause` says what is wrong where it stays.
 */
export async function settle(place: string, path: string, cause: string, changes: StorageChanges): Promise<Settlement> {
  try {
    const warning = path.endsWith("/link") ? await compareLinks(place, path, changes) : undefined;
    if (warning === undefined && !(await isSame(place, path, changes))) return { problem: cause };
    const [removed] = await changes.remove([place]);
    if (removed?.status === "failed")
      return { problem: `it cannot be removed from the quarantine: ${removed.cause ?? "no answer"}` };
    return warning === undefined ? {} : { warning };
  } catch (error) {
    return { problem: operatorMessage(error) };
  }
}

/** Undefined where both are the same, or one of them has gone. */
async function compareLinks(place: string, path: string, changes: StorageChanges): Promise<string | undefined> {
  const [before, now] = [await changes.read(place), await changes.read(path)];
  if (before === undefined || now === undefined || Buffer.from(before).equals(now)) return undefined;
  const link = parseLink(before);
  const held = "digest" in link ? `it named ${link.digest.toString()}` : linkWords(link.problem);
  return `somebody has written it since, and it stays so; when this run removed it: ${held}`;
}

async function isSame(one: string, other: string, changes: StorageChanges): Promise<boolean> {
  const digest = await changes.digest(one, "sha256");
  return digest === undefined || digest === (await changes.digest(other, "sha256"));
}
